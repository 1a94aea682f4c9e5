internal import FeatureStore

extension LookupRequest {
    private static let members = ["service", "features", "keys", "as_of", "max_staleness", "min_position", "inputs"]

    /// Reads the body of `POST /v1/lookup`:
    /// `{"service":"homepage","keys":["c1"],"as_of":"2026-01-31T12:00:00Z","max_staleness":"5s","inputs":{"device":"mobile"}}`, with `features` in place of `service` to
    /// name them one by one. A member it does not know is an error, so that a misspelt `as_of` is never silently "now".
    ///
    /// - Parameter maxKeys: reading stops there, so that a body of a million keys costs nothing.
    public init(json bytes: UnsafeRawBufferPointer, maxKeys: Int) throws(LookupProblem) {
        var input = JSONInput(bytes)
        var service: String?
        var features: [String]?
        var keys: [String]?
        var asOf: Int64?
        var maxStaleness: Microseconds?
        var minPosition: [SourceOffset] = []
        var inputs: [String: GivenInput] = [:]
        var seen: Set<String> = []
        try input.expect("{", "an object")
        if !input.take("}") {
            repeat {
                _ = input.peek()
                let at = input.position
                let name = try input.string("the name of a member")
                guard Self.members.contains(name) else {
                    throw LookupProblem(
                        .badRequest, detail: "At byte \(at): there is no member \"\(name.prefix(64))\".",
                        remedy: LookupProblem.didYouMean(name, Self.members)
                            + "Members are \(Self.members.joined(separator: ", ")).")
                }
                guard seen.insert(name).inserted else { throw input.problem("\"\(name)\" is given twice") }
                try input.expect(":", "a colon")
                if name != "keys", input.null() { continue }
                switch name {
                case "service": service = try input.string("\"service\"")
                case "features": features = try input.stringArray("features", limit: Self.maxFeatures)
                case "inputs": inputs = try input.inputs(limit: Self.maxFeatures)
                case "keys": keys = try input.stringArray("keys", limit: maxKeys)
                case "as_of":
                    asOf = input.peek() == 0x22 ? try Self.asOf(text: try input.string(name)) : try input.integer("\"as_of\"")
                case "min_position": minPosition = try Self.minPosition(text: try input.string(name))
                default:
                    maxStaleness = input.peek() == 0x22
                        ? try Self.maxStaleness(text: try input.string(name)) : try input.integer("\"max_staleness\"")
                }
            } while input.take(",")
            try input.expect("}", "a comma or the object's end")
        }
        try input.expectEnd()
        let selection: Selection
        switch (service, features) {
        case (let service?, nil): selection = .service(service)
        case (nil, let features?): selection = .features(features)
        case (nil, nil), (_?, _?):
            throw LookupProblem(
                .badRequest,
                detail: service == nil ? "The body names neither a service nor features." : "The body names a service and features.",
                remedy: "Give exactly one of \"service\" and \"features\".")
        }
        self.init(selection, keys: keys ?? [], asOf: asOf, maxStaleness: maxStaleness, minPosition: minPosition)
        self.inputs = inputs
    }
}

extension JSONInput {
    fileprivate mutating func stringArray(_ name: String, limit: Int) throws(LookupProblem) -> [String] {
        if !take("[") { throw problem("\"\(name)\" is not an array") }
        var strings: [String] = []
        if take("]") { return strings }
        repeat {
            if strings.count == limit {
                throw LookupProblem(
                    name == "keys" ? .tooManyKeys : .badRequest, detail: "\"\(name)\" has more than \(limit) elements.",
                    remedy: name == "keys" ? "Split the request, or raise server.max_keys_per_request." : "Declare a service, or split the request.")
            }
            strings.append(try string("\"\(name)\"[\(strings.count)]"))
        } while take(",")
        try expect("]", "a comma or the array's end")
        return strings
    }
}
