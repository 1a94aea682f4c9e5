internal import Serving

/// The methods that are served, by their path.
struct MethodTable: Sendable {
    private(set) var methods: [String: Method] = [:]

    /// A method that takes one message and answers one.
    ///
    /// - Parameters:
    ///   - needs: what its sender must be allowed; each method says it.
    ///   - audit: what is written down of it; nil: nothing but a refusal.
    ///   - keyCount: how many entities a request asks for; larger ones than a few are answered on a thread of their own.
    ///   - wait: what a request waits for before it is answered; nil: nothing.
    ///   - isLookup: its messages are `LookupRequest`s, which may be direct lookups.
    mutating func registerUnary<Input: Sendable>(
        _ service: String, _ method: String, isLookup: Bool = false, read: @escaping @Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> Input,
        needs: @escaping @Sendable (Input) -> Need, audit: @escaping @Sendable (Input) -> AuditEvent?,
        keyCount: @escaping @Sendable (Input) -> Int = { _ in 1 },
        wait: @escaping @Sendable (Input) -> (@Sendable () async throws(LookupProblem) -> Void)? = { _ in nil },
        answer: @escaping @Sendable (Input, Caller) throws(LookupProblem) -> [UInt8]
    ) {
        methods["/\(service)/\(method)"] = Method(kind: .unary { (bytes) throws(LookupProblem) in
            let input = try read(bytes)
            var call = Call(need: needs(input), event: { audit(input) }, work: .reads(keyCount: keyCount(input)) { (caller) throws(LookupProblem) in
                try answer(input, caller)
            })
            if let wait = wait(input) {
                call.work = .waits { (caller) async throws(LookupProblem) in
                    try await wait()
                    return try answer(input, caller)
                }
            }
            return call
        }, isLookup: isLookup)
    }

    /// A method that waits for something outside of this process.
    mutating func registerWaiting<Input: Sendable>(
        _ service: String, _ method: String, read: @escaping @Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> Input,
        needs: @escaping @Sendable (Input) -> Need, audit: @escaping @Sendable (Input) -> AuditEvent?,
        answer: @escaping @Sendable (Input) async throws(LookupProblem) -> [UInt8]
    ) {
        methods["/\(service)/\(method)"] = Method(kind: .unary { (bytes) throws(LookupProblem) in
            let input = try read(bytes)
            return Call(need: needs(input), event: { audit(input) }, work: .waits { (_) async throws(LookupProblem) in try await answer(input) })
        })
    }

    /// The methods of the standard health service, which are answered however much there is to do, and to everybody.
    mutating func registerHealth(_ method: String, _ kind: Method.Kind) {
        methods["/grpc.health.v1.Health/\(method)"] = Method(kind: kind, isUrgent: true)
    }
}

/// A request that was read, before it is answered.
struct Call: Sendable {
    enum Work: Sendable {
        case reads(keyCount: Int, answer: @Sendable (Caller) throws(LookupProblem) -> [UInt8])
        case waits(answer: @Sendable (Caller) async throws(LookupProblem) -> [UInt8])
    }

    var need: Need
    var event: @Sendable () -> AuditEvent?
    var work: Work
}

struct Method: Sendable {
    enum Kind: Sendable {
        case unary(@Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> Call)
        /// One message in, and messages out for as long as the client listens: gives the first, and where the others come from.
        case watch(@Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> HealthWatch)
    }
    let kind: Kind
    /// Its calls are looked at as direct lookups first.
    var isLookup = false
    /// A probe: answered in time whatever happens, and without a credential.
    var isUrgent = false
}
