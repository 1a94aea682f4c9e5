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
        case unknownReceipt = "unknown-receipt"
        case positionNotReached = "position-not-reached"
        case notDurable = "not-durable"
        case overloaded
        case deadlineExceeded = "deadline-exceeded"
        case storage = "storage"
        case unauthenticated
        case permissionDenied = "permission-denied"
        case tooManyFailures = "too-many-failures"
        case auditUnavailable = "audit-unavailable"
    }

    public var kind: Kind
    /// What is wrong, and where.
    public var detail: String
    /// What to do about it.
    public var remedy: String
    /// The `Allow` header of a 405.
    public var allowedMethods: String?
    /// When it is known how long to wait, in seconds.
    public var retryAfter: Int?

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
    public var retryAfterSeconds: Int? { retryAfter ?? (httpStatus == 503 || kind == .overloaded ? 1 : nil) }

    /// - Parameter reason: a clause that says what there is too much of.
    public static func overloaded(_ reason: String) -> LookupProblem {
        LookupProblem(
            .overloaded, detail: "Not answered: \(reason).",
            remedy: "Try again in a second, at growing intervals; add processes when it goes on.")
    }

    public static func bodyTooLarge(limit: Int) -> LookupProblem {
        LookupProblem(
            .bodyTooLarge, detail: "The request is larger than \(limit) bytes, or was cut off.",
            remedy: "Split the request into several, or raise server.max_request_size.")
    }

    public static let deadlineExceeded = LookupProblem(
        .deadlineExceeded, detail: "The request waited longer than its sender does.", remedy: "Allow more time, or ask for fewer keys.")
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
        case .unknownReceipt: "No such receipt"
        case .positionNotReached: "The position has not been applied yet"
        case .notDurable: "The rows are not known to be stored"
        case .overloaded: "The server has too much to do"
        case .deadlineExceeded: "The answer comes too late"
        case .storage: "The store could not be read"
        case .unauthenticated: "A credential is needed"
        case .permissionDenied: "Not permitted"
        case .tooManyFailures: "Too many wrong credentials"
        case .auditUnavailable: "The audit log cannot be written"
        }
    }

    public var httpStatus: Int {
        switch self {
        case .badRequest, .badJSON, .badKey, .tooManyKeys, .mixedEntities: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .unknownService, .unknownFeature, .unknownEntity, .unknownPushed, .unknownReceipt, .unknownPath: 404
        case .methodNotAllowed: 405
        case .bodyTooLarge: 413
        case .overloaded, .tooManyFailures: 429
        case .storage: 500
        case .shardUnavailable, .positionNotReached, .notDurable, .auditUnavailable: 503
        case .deadlineExceeded: 504
        }
    }

    /// The number of the gRPC status code (google.rpc.Code).
    public var grpcCode: Int {
        switch self {
        case .badRequest, .badJSON, .badKey, .tooManyKeys, .mixedEntities: 3  // INVALID_ARGUMENT
        case .deadlineExceeded: 4  // DEADLINE_EXCEEDED
        case .unknownService, .unknownFeature, .unknownEntity, .unknownPushed, .unknownReceipt: 5  // NOT_FOUND
        case .permissionDenied: 7  // PERMISSION_DENIED
        case .bodyTooLarge, .overloaded, .tooManyFailures: 8  // RESOURCE_EXHAUSTED
        case .unknownPath, .methodNotAllowed: 12  // UNIMPLEMENTED
        case .storage: 13  // INTERNAL
        case .shardUnavailable, .positionNotReached, .notDurable, .auditUnavailable: 14  // UNAVAILABLE
        case .unauthenticated: 16  // UNAUTHENTICATED
        }
    }
}
