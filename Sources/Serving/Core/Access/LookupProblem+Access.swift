extension LookupProblem {
    private static let howToAsk = "Send `Authorization: Bearer TOKEN` with the token of a principal in `access:`, or show its client certificate (docs/SECURITY.md)."

    static let noCredential = LookupProblem(.unauthenticated, detail: "The request has no credential.", remedy: howToAsk)
    static let wrongCredential = LookupProblem(.unauthenticated, detail: "The credential is not known here.", remedy: howToAsk)
    static let expiredCredential = LookupProblem(.unauthenticated, detail: "The credential has expired.", remedy: "Get a new one: `millrace token`, or from the issuer of the JWT.")
    static let otherScheme = LookupProblem(.unauthenticated, detail: "The Authorization field is not one bearer token.", remedy: howToAsk)

    static func permissionDenied(_ principal: Principal, _ need: Need) -> LookupProblem {
        LookupProblem(
            .permissionDenied, detail: "Principal \"\(principal.name.prefix(200))\" may not \(need.description).",
            remedy: "Whoever keeps the definitions can allow it: \(need.grant) under `access.principals` (docs/SECURITY.md).")
    }

    /// - Parameter microseconds: until the address is listened to again.
    static func tooManyFailures(_ microseconds: Int64) -> LookupProblem {
        let seconds = Int(microseconds / 1_000_000) + 1
        var problem = LookupProblem(
            .tooManyFailures, detail: "Too many wrong credentials came from this address.",
            remedy: "Try again in \(seconds) s, with the right one.")
        problem.retryAfter = seconds
        return problem
    }

    public static let auditUnavailable = LookupProblem(
        .auditUnavailable, detail: "The audit log cannot be written, and without it this is not done.",
        remedy: "Whoever runs the server: see its log, make room or mend the file; `audit.on_failure: continue` would go on without.")

    /// Whether it was not allowed, rather than wrong.
    public var isRefusal: Bool {
        switch kind {
        case .unauthenticated, .permissionDenied, .tooManyFailures: true
        default: false
        }
    }
}
