internal import FeatureStore
internal import JSONBytes

extension LookupRequest {
    private static let members = ["service", "features", "keys", "as_of", "max_staleness", "min_position", "inputs"]

    /// Reads the body of `POST /v1/lookup`:
    /// `{"service":"homepage","keys":["c1"],"as_of":"2026-01-31T12:00:00Z","max_staleness":"5s","inputs":{"device":"mobile"}}`, with `features` in place of `service` to
    /// name them one by one. A member it does not know is an error, so that a misspelt `as_of` is never silently "now".
    ///
    /// - Parameter maxKeys: reading stops there, so that a body of a million keys costs nothing.
    public init(json bytes: UnsafeRawBufferPointer, maxKeys: Int) throws(LookupProblem) {
        var service: String?
        var features: [String]?
        var keys: [String]?
        var read = LookupRequest(.features([]), keys: [])
        try JSONReader.body(bytes) { reader in
            var seen: Set<String> = []
            try reader.object("the body")
            while let key = try reader.nextKey() {
                let name = key.text() ?? ""
                guard Self.members.contains(name) else {
                    throw LookupProblem(
                        .badRequest, detail: "At byte \(key.position - 1): there is no member \"\(name.prefix(64))\".",
                        remedy: LookupProblem.didYouMean(name, Self.members) + "Members are \(Self.members.joined(separator: ", ")).")
                }
                guard seen.insert(name).inserted else { throw LookupProblem.body("\"\(name)\" is given twice", at: key.position - 1) }
                switch name {
                case "service": service = try reader.text("\"service\"")
                case "features":
                    features = try reader.texts(name, limit: Self.maxFeatures, tooMany: .tooMany(name, Self.maxFeatures, "Declare a service, or split the request."))
                case "keys":
                    let tooMany = LookupProblem.tooMany(name, maxKeys, "Split the request, or raise server.max_keys_per_request.", .tooManyKeys)
                    keys = try reader.texts(name, limit: maxKeys, tooMany: tooMany)
                    if keys == nil { throw LookupProblem.body("\"keys\" is not an array", at: reader.position) }
                case "as_of": read.asOf = try reader.amount(name, text: Self.asOf)
                case "max_staleness": read.maxStaleness = try reader.amount(name, text: Self.maxStaleness)
                case "min_position": read.minPosition = try reader.text("\"min_position\"").map { try Self.minPosition(text: $0) } ?? []
                default: read.inputs = try reader.inputs(limit: Self.maxFeatures)
                }
            }
        }
        switch (service, features) {
        case (let service?, nil): read.selection = .service(service)
        case (nil, let features?): read.selection = .features(features)
        case (nil, nil), (_?, _?):
            throw LookupProblem(
                .badRequest,
                detail: service == nil ? "The body names neither a service nor features." : "The body names a service and features.",
                remedy: "Give exactly one of \"service\" and \"features\".")
        }
        read.keys = keys ?? []
        self = read
    }
}

extension LookupProblem {
    fileprivate static func tooMany(_ name: String, _ limit: Int, _ remedy: String, _ kind: Kind = .badRequest) -> LookupProblem {
        LookupProblem(kind, detail: "\"\(name)\" has more than \(limit) elements.", remedy: remedy)
    }
}

extension JSONReader {
    /// Microseconds, as a number or as text; nil: null.
    fileprivate mutating func amount(_ name: String, text: (String) throws(LookupProblem) -> Int64) throws -> Int64? {
        switch try? peek() {
        case .string: return try self.text(name).map { try text($0) }
        case .null:
            try readNull()
            return nil
        default: return try integer("\"\(name)\"")
        }
    }

    /// `{"basket_value": 59.90, "device": "mobile"}`, at most `limit` members.
    fileprivate mutating func inputs(limit: Int) throws -> [String: GivenInput] {
        var inputs: [String: GivenInput] = [:]
        if try peek() == .null {
            try readNull()
            return inputs
        }
        try object("\"inputs\"")
        while let key = try nextKey() {
            let name = key.text() ?? ""
            if inputs.count == limit {
                throw LookupProblem(.badRequest, detail: "\"inputs\" has more than \(limit) members.", remedy: "Give those that the service has.")
            }
            guard inputs.updateValue(try input(name), forKey: name) == nil else {
                throw LookupProblem.body("the input \"\(name.prefix(64))\" is given twice", at: key.position - 1)
            }
        }
        return inputs
    }

    private mutating func input(_ name: String) throws -> GivenInput {
        switch try peek() {
        case .null:
            try readNull()
            return .null
        case .bool: return .bool(try readBool())
        case .number: return .number(String(decoding: try readNumber(), as: UTF8.self))
        case .string: return .string(try text("the input") ?? "")
        case .array, .object:
            throw LookupProblem.body("the input \"\(name.prefix(64))\" is not a number, a string, true, false or null", at: position)
        }
    }
}
