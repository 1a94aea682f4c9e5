internal import JSONBytes

/// `GetOnlineFeaturesRequest` of Feast: features, and columns of entity keys.
public struct FeastRequest: Sendable {
    /// Not empty: it wins over `features`.
    public var service = ""
    /// `view:feature`.
    public var features: [String] = []
    /// By join key, in the order of the request; all have one key per row.
    public var entities: [(name: String, keys: [String])] = []
    /// `view__feature` in the answer.
    public var usesFullNames = false
    public var wantsViewMetadata = false

    public init() {}

    public var rowCount: Int { entities.first?.keys.count ?? 0 }
}

extension FeastRequest {
    /// The body of `POST /get-online-features`. Members that it does not know are passed over, as Feast's own server does.
    ///
    /// - Parameter maxRows: reading stops there.
    public init(json bytes: UnsafeRawBufferPointer, maxRows: Int) throws(FeastProblem) {
        self.init()
        var read = self
        var hasEntities = false
        try JSONReader.feastBody(bytes) { name, reader in
            switch name {
            case "entities":
                hasEntities = true
                try read.readEntities(&reader, maxRows)
            case "features":
                if try reader.peek() == .null { try reader.readNull() } else { read.features = try Self.strings(&reader, name) }
            case "feature_service":
                if try reader.peek() == .null { try reader.readNull() } else { read.service = try Self.string(&reader, [name]) }
            case "full_feature_names": read.usesFullNames = try Self.bool(&reader, name)
            case "include_feature_view_version_metadata": read.wantsViewMetadata = try Self.bool(&reader, name)
            default: try reader.skipValue()
            }
        }
        self = read
        if !hasEntities { throw .body("missing", at: ["entities"], "Field required") }
    }

    private mutating func readEntities(_ reader: inout JSONReader, _ maxRows: Int) throws {
        guard try reader.peek() == .object else { throw FeastProblem.body("dict_type", at: ["entities"], "Input should be a valid dictionary") }
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = key.text() ?? ""
            guard try reader.peek() == .array else {
                throw FeastProblem.body("list_type", at: ["entities", name], "Input should be a valid list")
            }
            try reader.beginArray()
            var keys: [String] = []
            while try reader.nextElement() {
                if keys.count == maxRows { throw FeastProblem.invalid("More than \(maxRows) entity rows: split the request, or raise server.max_keys_per_request.") }
                keys.append(try Self.entityKey(&reader, name))
            }
            entities.append((name, keys))
        }
    }

    /// Keys are strings; a number or a bool is taken by its text.
    private static func entityKey(_ reader: inout JSONReader, _ name: String) throws -> String {
        switch try reader.peek() {
        case .string: return try string(&reader, ["entities", name])
        case .number: return String(decoding: try reader.readNumber(), as: UTF8.self)
        case .bool: return try reader.readBool() ? "true" : "false"
        case .null, .array, .object: throw FeastProblem.invalid("Entity \(name): a key is a string or a number.")
        }
    }

    private static func strings(_ reader: inout JSONReader, _ name: String) throws -> [String] {
        guard try reader.peek() == .array else { throw FeastProblem.body("list_type", at: [name], "Input should be a valid list") }
        var values: [String] = []
        try reader.beginArray()
        while try reader.nextElement() {
            if values.count == LookupRequest.maxFeatures { throw FeastProblem.invalid("More than \(LookupRequest.maxFeatures) features: split the request.") }
            values.append(try string(&reader, [name, "\(values.count)"]))
        }
        return values
    }

    private static func string(_ reader: inout JSONReader, _ location: [String]) throws -> String {
        guard try reader.peek() == .string else { throw FeastProblem.body("string_type", at: location, "Input should be a valid string") }
        guard let text = try reader.readString().text() else { throw FeastProblem.body("string_type", at: location, "Input should be valid Unicode") }
        return text
    }

    private static func bool(_ reader: inout JSONReader, _ name: String) throws -> Bool {
        guard try reader.peek() == .bool else { throw FeastProblem.body("bool_type", at: [name], "Input should be a valid boolean") }
        return try reader.readBool()
    }
}
