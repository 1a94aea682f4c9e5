public import JSONBytes

/// Why a Feast request is not answered, in the forms that Feast's clients understand: an exception that they raise again, a sentence, or what a
/// body of the wrong shape is told.
public struct FeastProblem: Error, Sendable, Equatable {
    enum Form: Sendable, Equatable {
        /// A class of `feast.errors`.
        case exception(String)
        case text
        /// Where in the body, by FastAPI's names.
        case body(type: String, location: [String])
    }

    public let httpStatus: Int
    public let message: String
    let form: Form
    /// The kind of the API's own problem that is nearest, for metrics and for gRPC's status.
    let kind: LookupProblem.Kind

    private init(_ httpStatus: Int, _ message: String, _ form: Form, _ kind: LookupProblem.Kind) {
        (self.httpStatus, self.message, self.form, self.kind) = (httpStatus, message, form, kind)
    }

    static func unknown(_ exception: String, _ message: String) -> FeastProblem {
        FeastProblem(404, message, .exception(exception), exception == "FeatureServiceNotFoundException" ? .unknownService : exception == "FeastObjectNotFoundException" ? .unknownPushed : .unknownFeature)
    }

    static func unknownPushSource(_ name: String) -> FeastProblem {
        FeastProblem(422, "Unable to find push source '\(name)'.", .exception("PushSourceNotFoundException"), .unknownPushed)
    }

    static func collision(_ names: [String]) -> FeastProblem {
        FeastProblem(
            422, "Duplicate features found: \(names.joined(separator: ", ")). Ask with full_feature_names, or leave one out.",
            .exception("FeatureNameCollisionError"), .badRequest)
    }

    static func invalid(_ message: String) -> FeastProblem { FeastProblem(422, message, .text, .badRequest) }

    static func body(_ type: String, at location: [String], _ message: String) -> FeastProblem {
        FeastProblem(422, message, .body(type: type, location: ["body"] + location), .badRequest)
    }

    /// What the lookup behind it refused. A user's mistake is 422: clients try 500 and 503 again.
    public init(_ problem: LookupProblem) {
        let status = problem.httpStatus == 400 || problem.httpStatus == 404 ? 422 : problem.httpStatus
        self.init(status, "\(problem.detail) \(problem.remedy)", .text, problem.kind)
    }

    public var slug: String { kind.rawValue }

    /// The status of a gRPC call.
    public var lookupProblem: LookupProblem { LookupProblem(kind, detail: message, remedy: "") }
}

extension FeastProblem: JSONWritable {
    public func write(to json: inout JSONWriter) {
        switch form {
        case .exception(let name):
            // A string that holds JSON: clients decode it twice.
            var inner = JSONWriter()
            inner.beginObject()
            inner.member("module", "feast.errors")
            inner.member("class", name)
            inner.member("message", message)
            inner.endObject()
            json.string(inner.text)
        case .text: json.string(message)
        case .body(let type, let location):
            json.beginObject()
            json.key("detail")
            json.beginArray()
            json.beginObject()
            json.member("type", type)
            json.key("loc")
            json.beginArray()
            for part in location { if let position = Int64(part) { json.int(position) } else { json.string(part) } }
            json.endArray()
            json.member("msg", message)
            json.endObject()
            json.endArray()
            json.endObject()
        }
    }
}
