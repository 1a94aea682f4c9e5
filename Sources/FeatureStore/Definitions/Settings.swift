/// Where and how the store keeps its shards.
public struct StoreSettings: Sendable {
    /// Relative to the definitions file.
    public var directory: String = "data"
    public var durability: Durability = .commit
    /// The map of a new shard; it doubles when it fills, up to `maxMapBytes`.
    public var initialMapBytes: Int = 64 << 20
    public var maxMapBytes: Int = 1 << 40
    /// A batch ends at this many events, or at `maxBatchBytes`, or when nothing more has arrived.
    public var maxBatchEvents: Int = 50_000
    public var maxBatchBytes: Int = 32 << 20
    /// What the records that wait or are worked on may take, over all shards of the process.
    public var maxWaitingBytes: Int = 256 << 20
    public init() {}

    public enum Durability: String, Sendable, CaseIterable {
        /// Commits are kept in memory and taken to the disk once a second; a crash undoes the newest ones (Kafka gives them again), never corrupts.
        case commit
        /// No sync; fastest. After a system crash the shard is rebuilt from the log.
        case replay
    }
}

public struct KafkaSettings: Sendable {
    public var brokers: String = "127.0.0.1:9092"
    public var group: String = "millrace"
    /// Where a shard without positions begins.
    public var start: Start = .earliest
    /// Who decides which partitions this process reads.
    public var assignment: Assignment = .group
    /// Passed to librdkafka as they are (security, timeouts).
    public var properties: [String: String] = [:]
    public init() {}

    public enum Start: String, Sendable, CaseIterable { case earliest, latest }

    public enum Assignment: String, Sendable, CaseIterable {
        /// The consumer group: several processes share the partitions, and another takes over when one dies.
        case group
        /// This process reads every partition. It starts without waiting for a group to settle.
        case `static`
    }
}

public struct ServerSettings: Sendable {
    public var httpHost: String = "127.0.0.1"
    public var httpPort: Int = 8080
    public var grpcHost: String = "127.0.0.1"
    public var grpcPort: Int = 8081
    /// `/readyz` answers 200 when every shard is at most this many events behind.
    public var readyLagEvents: Int64 = 10_000
    /// Most keys in one lookup.
    public var maxKeysPerRequest: Int = 1_000
    /// Largest body over HTTP, largest message over gRPC.
    public var maxRequestBytes: Int = 1 << 20
    /// What is kept of requests that are not complete and of answers that are not read, over all connections.
    public var maxHeldBytes: Int = 256 << 20
    /// Connections of both ports together; more are closed at once.
    public var maxConnections: Int = 10_000
    /// A request that has waited longer for its turn is refused, in µs; a large one after half of it.
    public var maxWait: Microseconds = 50_000
    /// A client that takes longer over sending a request, or over reading its answer, is cut off, in µs. Idle connections are not.
    public var clientTimeout: Microseconds = 15_000_000
    /// Threads for batches and explanations.
    public var batchThreads: Int = 2
    /// Batches and explanations that may wait for a thread; more are refused.
    public var maxWaitingBatches: Int = 64
    /// Whether the threads that answer lookups run before everything else on the machine, where the system allows it.
    public var isRealtime: Bool = false
    /// Processors on which lookups are answered and nothing else of the program runs; empty: lookups are answered wherever there is room.
    public var processors: [Int] = []
    /// Nil: connections are not encrypted.
    public var tls: TLSSettings?
    public init() {}
}
