/// Why a request is not answered, ready for any transport: RFC 9457 problem details over HTTP, a status over gRPC.
///
/// Each kind has one slug, one HTTP status and one gRPC code, for good: clients and alerts match on them.
public struct LookupProblem: Error, Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case badJSON = "bad-json"
        case badKey = "bad-key"
        case tooManyKeys = "too-many-keys"
        case mixedEntities = "mixed-entities"
        case unknownService = "unknown-service"
        case unknownFeature = "unknown-feature"
        case unknownEntity = "unknown-entity"
        case unknownPath = "unknown-path"
        case methodNotAllowed = "method-not-allowed"
        case bodyTooLarge = "body-too-large"
        case shardUnavailable = "shard-unavailable"
        case unknownPushed = "unknown-pushed"
        case positionNotReached = "position-not-reached"
        case notDurable = "not-durable"
        case storage = "storage"
    }

    public var kind: Kind
    /// What is wrong, and where.
    public var detail: String
    /// What to do about it.
    public var remedy: String
    /// The `Allow` header of a 405.
    public var allowedMethods: String?

    public init(_ kind: Kind, detail: String, remedy: String, allowedMethods: String? = nil) {
        self.kind = kind
        self.detail = detail
        self.remedy = remedy
        self.allowedMethods = allowedMethods
    }

    public var slug: String { kind.rawValue }
    public var title: String { kind.title }
    public var httpStatus: Int { kind.httpStatus }
    public var grpcCode: Int { kind.grpcCode }
    /// For `Retry-After`; nil when trying again does not help.
    public var retryAfterSeconds: Int? { kind.httpStatus == 503 ? 1 : nil }
}

extension LookupProblem.Kind {
    /// A short summary that does not vary from one occurrence to the next.
    public var title: String {
        switch self {
        case .badRequest: "The request is not valid"
        case .badJSON: "The body is not valid JSON"
        case .badKey: "A key is not valid"
        case .tooManyKeys: "Too many keys in one request"
        case .mixedEntities: "Features of different entities in one request"
        case .unknownService: "No such feature service"
        case .unknownFeature: "No such feature"
        case .unknownEntity: "No such kind of entity"
        case .unknownPath: "No such path"
        case .methodNotAllowed: "Method not allowed"
        case .bodyTooLarge: "The body is too large"
        case .shardUnavailable: "The shard of a key is not served here"
        case .unknownPushed: "No such pushed features"
        case .positionNotReached: "The position has not been applied yet"
        case .notDurable: "The rows are not known to be stored"
        case .storage: "The store could not be read"
        }
    }

    public var httpStatus: Int {
        switch self {
        case .badRequest, .badJSON, .badKey, .tooManyKeys, .mixedEntities: 400
        case .unknownService, .unknownFeature, .unknownEntity, .unknownPushed, .unknownPath: 404
        case .methodNotAllowed: 405
        case .bodyTooLarge: 413
        case .storage: 500
        case .shardUnavailable, .positionNotReached, .notDurable: 503
        }
    }

    /// The number of the gRPC status code (google.rpc.Code).
    public var grpcCode: Int {
        switch self {
        case .badRequest, .badJSON, .badKey, .tooManyKeys, .mixedEntities: 3  // INVALID_ARGUMENT
        case .unknownService, .unknownFeature, .unknownEntity, .unknownPushed: 5  // NOT_FOUND
        case .bodyTooLarge: 8  // RESOURCE_EXHAUSTED
        case .unknownPath, .methodNotAllowed: 12  // UNIMPLEMENTED
        case .storage: 13  // INTERNAL
        case .shardUnavailable, .positionNotReached, .notDurable: 14  // UNAVAILABLE
        }
    }
}
