public import FeatureStore
internal import JSONBytes

/// Whom to erase: ids of one entity.
public struct EraseRequest: Sendable, Equatable {
    public var entity: String
    public var keys: [String]

    public static let maxKeys = 1_000

    /// Checks what is wrong before anything is produced.
    public init(entity: String, keys: [String], definitions: Definitions) throws(LookupProblem) {
        guard let erasures = definitions.privacy.erasures else {
            throw LookupProblem(
                .badRequest, detail: "The definitions have no topic of erasures.", remedy: "Add `privacy: {erasures: {topic: erasures}}` (docs/PRIVACY.md).")
        }
        guard erasures.entities.contains(entity) else {
            let known = erasures.entities
            throw LookupProblem(
                .unknownEntity, detail: "\"\(entity.prefix(100))\" is nothing that can be erased.",
                remedy: LookupProblem.didYouMean(entity, known) + "There is \(known.joined(separator: ", ")) (privacy.erasures.entities).")
        }
        if keys.isEmpty { throw LookupProblem(.badRequest, detail: "The request has no keys.", remedy: "Name at least one key.") }
        if keys.count > Self.maxKeys {
            throw LookupProblem(.tooManyKeys, detail: "The request has \(keys.count) keys; the limit is \(Self.maxKeys).", remedy: "Split it into several.")
        }
        for (index, key) in keys.enumerated() {
            if key.isEmpty { throw .emptyKey(at: index) }
            if key.utf8.count > LookupRequest.maxKeyBytes {
                throw LookupProblem(
                    .badKey, detail: "keys[\(index)] has \(key.utf8.count) bytes; the limit is \(LookupRequest.maxKeyBytes).",
                    remedy: "Use the key under which events are produced.")
            }
        }
        self.entity = entity
        self.keys = keys
    }
}

extension EraseRequest {
    /// Reads the body of `POST /v1/erase`: `{"entity": "customer", "keys": ["c1"]}`.
    public init(json bytes: UnsafeRawBufferPointer, definitions: Definitions) throws(LookupProblem) {
        var entity: String?
        var keys: [String]?
        try JSONReader.body(bytes) { reader in
            try reader.object("the body")
            while let key = try reader.nextKey() {
                switch key.text() ?? "" {
                case "entity" where entity == nil: entity = try reader.text("\"entity\"")
                case "keys" where keys == nil:
                    guard try reader.peek() == .array else { throw Self.problem("\"keys\" is not an array.") }
                    var all: [String] = []
                    try reader.beginArray()
                    while try reader.nextElement() {
                        guard let text = try reader.text("keys[\(all.count)]") else { throw Self.problem("keys[\(all.count)] is null.") }
                        if all.count <= Self.maxKeys { all.append(text) }
                    }
                    keys = all
                default: throw Self.problem("The body has a member \"\(key.text()?.prefix(64) ?? "")\" that is unknown or comes twice.")
                }
            }
        }
        guard let entity else { throw Self.problem("The body has no \"entity\".") }
        try self.init(entity: entity, keys: keys ?? [], definitions: definitions)
    }

    private static func problem(_ detail: String) -> LookupProblem {
        LookupProblem(.badRequest, detail: detail, remedy: "Write {\"entity\": \"customer\", \"keys\": [\"c1\"]}.")
    }
}
