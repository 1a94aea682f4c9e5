internal import Synchronization

/// What serving counts of itself. All counters are lock-free.
public final class ServingMetrics: Sendable {
    /// From the parsed request to the finished answer, without the transport.
    public let lookupSeconds = LatencyHistogram()
    private let lookups = CounterArray(count: outcomes.count)
    private let keys = Atomic<UInt64>(0)
    /// From the parsed rows until they are durable.
    public let pushSeconds = LatencyHistogram()
    private let pushes = CounterArray(count: outcomes.count)
    private let pushedRows = Atomic<UInt64>(0)
    private let logged = CounterArray(count: 2)
    private let inFlight = Atomic<Int>(0)
    private let httpResponses = CounterArray(count: 500)
    private let grpcResponses = CounterArray(count: grpcCodeNames.count)
    private let slowClients = Atomic<UInt64>(0)
    private let refusedConnections = Atomic<UInt64>(0)
    private let refusals = CounterArray(count: Refusal.allCases.count)

    /// Why a request was refused to keep up with the others.
    public enum Refusal: Int, Sendable, CaseIterable {
        /// It had waited too long for its turn.
        case late
        /// A batch or an explanation, for which there was no room.
        case batch
        case deadline
        /// The process kept too much of requests that were not complete, or of answers that were not read.
        case memory
    }

    let degradation = DegradationMetrics()

    public init() {}

    private static let outcomes: [String] = ["ok"] + LookupProblem.Kind.allCases.map(\.rawValue)

    func lookupEnded(_ problem: LookupProblem?, keys count: Int, seconds: Duration) {
        lookupSeconds.observe(seconds)
        lookups.add(Self.outcome(problem))
        if problem == nil { keys.wrappingAdd(UInt64(count), ordering: .relaxed) }
    }

    func pushEnded(_ problem: LookupProblem?, rows count: Int, seconds: Duration) {
        pushSeconds.observe(seconds)
        pushes.add(Self.outcome(problem))
        pushedRows.wrappingAdd(UInt64(count), ordering: .relaxed)
    }

    /// An answer was logged, or left out because there was no room.
    func served(_ isLogged: Bool) { logged.add(isLogged ? 0 : 1) }

    private static func outcome(_ problem: LookupProblem?) -> Int {
        guard let problem else { return 0 }
        return (LookupProblem.Kind.allCases.firstIndex(of: problem.kind) ?? -2) + 1
    }

    /// A transport calls this when a request's head is read, and one of the `…Ended` when its answer is made.
    public func requestBegan() { inFlight.wrappingAdd(1, ordering: .relaxed) }

    /// - Parameter status: 100...599.
    public func httpEnded(status: Int) {
        inFlight.wrappingSubtract(1, ordering: .relaxed)
        httpResponses.add(status - 100)
    }

    /// - Parameter code: the number of the gRPC status, 0...16.
    public func grpcEnded(code: Int) {
        inFlight.wrappingSubtract(1, ordering: .relaxed)
        grpcResponses.add(code)
    }

    public func refused(_ refusal: Refusal) { refusals.add(refusal.rawValue) }

    /// A client was too slow with a request or with reading its answer.
    public func slowClientCutOff() { slowClients.wrappingAdd(1, ordering: .relaxed) }

    /// There were too many connections.
    public func connectionRefused() { refusedConnections.wrappingAdd(1, ordering: .relaxed) }

    public func families() -> [MetricFamily] {
        [
            lookupSeconds.family(
                name: "millrace_lookup_seconds", help: "Time to answer a lookup, from the parsed request to the finished answer."),
            MetricFamily(
                name: "millrace_lookups_total", help: "Lookups by outcome: ok, or the slug of the problem.", kind: .counter,
                samples: lookups.values().enumerated().map { .init(Double($0.element), labels: [("outcome", Self.outcomes[$0.offset])]) }),
            MetricFamily(
                name: "millrace_lookup_keys_total", help: "Entities answered by successful lookups.", kind: .counter,
                value: Double(keys.load(ordering: .relaxed))),
            pushSeconds.family(
                name: "millrace_push_seconds", help: "Time from the parsed rows of a push until the brokers have them."),
            MetricFamily(
                name: "millrace_pushes_total", help: "Pushes by outcome: ok, or the slug of the problem.", kind: .counter,
                samples: pushes.values().enumerated().filter { $0.element > 0 || $0.offset == 0 }.map {
                    .init(Double($0.element), labels: [("outcome", Self.outcomes[$0.offset])])
                }),
            MetricFamily(
                name: "millrace_pushed_rows_total", help: "Rows of successful pushes.", kind: .counter,
                value: Double(pushedRows.load(ordering: .relaxed))),
            MetricFamily(
                name: "millrace_served_log_total", help: "Answers that a service logs: queued for Kafka, or left out as the queue was full.", kind: .counter,
                samples: zip(["queued", "left_out"], logged.values()).map { .init(Double($1), labels: [("outcome", $0)]) }),
            MetricFamily(
                name: "millrace_http_responses_total", help: "HTTP responses by status code.", kind: .counter,
                samples: httpResponses.values().enumerated().filter { $0.element > 0 || $0.offset == 100 }.map {
                    .init(Double($0.element), labels: [("code", String($0.offset + 100))])
                }),
            MetricFamily(
                name: "millrace_grpc_responses_total", help: "gRPC responses by status code.", kind: .counter,
                samples: grpcResponses.values().enumerated().filter { $0.element > 0 || $0.offset == 0 }.map {
                    .init(Double($0.element), labels: [("code", grpcCodeNames[$0.offset])])
                }),
            MetricFamily(
                name: "millrace_requests_in_flight", help: "Requests being answered at this moment.", kind: .gauge,
                value: Double(inFlight.load(ordering: .relaxed))),
            MetricFamily(
                name: "millrace_requests_refused_total",
                help: "Requests refused to keep up: late (waited too long), batch (no room for another), deadline (its sender's time was over), memory (server.max_held_size is used up).",
                kind: .counter,
                samples: Refusal.allCases.map { .init(Double(refusals.values()[$0.rawValue]), labels: [("reason", "\($0)")]) }),
            MetricFamily(
                name: "millrace_slow_clients_total", help: "Requests or connections ended because the client was too slow to send or to read.",
                kind: .counter, value: Double(slowClients.load(ordering: .relaxed))),
            MetricFamily(
                name: "millrace_connections_refused_total", help: "Connections closed at once, because there were too many.", kind: .counter,
                value: Double(refusedConnections.load(ordering: .relaxed))),
        ] + degradation.families()
    }
}

/// Names of the gRPC status codes, by number.
let grpcCodeNames = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED",
]

/// A fixed number of lock-free counters. An index out of range counts nothing.
private final class CounterArray: Sendable {
    private let count: Int
    private let counters: UnsafeMutablePointerToAtomics

    /// `Atomic` does not move, so it lives in memory of its own; the pointer is only ever read.
    private struct UnsafeMutablePointerToAtomics: @unchecked Sendable { let base: UnsafeMutablePointer<Atomic<UInt64>> }

    init(count: Int) {
        self.count = count
        let base = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
        for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
        counters = UnsafeMutablePointerToAtomics(base: base)
    }

    deinit {
        counters.base.deinitialize(count: count)
        counters.base.deallocate()
    }

    func add(_ index: Int) {
        guard index >= 0, index < count else { return }
        counters.base[index].wrappingAdd(1, ordering: .relaxed)
    }

    func values() -> [UInt64] { (0..<count).map { counters.base[$0].load(ordering: .relaxed) } }
}
