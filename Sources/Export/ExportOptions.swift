internal import FeatureStore
public import Ingest

/// Everything that an export is told.
public struct ExportOptions: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        case csv, ndjson, avro
        /// A directory of arrays.
        case numpy
    }

    public var features: ExportedFeatures
    public var requests: RequestSource
    /// The output's file, `-` for standard output, or the directory of packed arrays.
    public var output: String
    public var format: Format
    /// Count only what the broker had by the time of the request.
    public var isAsKnown = false
    public var labels: [LabelDefinition] = []
    /// CSV, NDJSON and Avro get a column of statuses per feature.
    public var hasStatus = false
    /// What the export keeps in memory at most, beyond it in files; the log's own buffers come on top.
    public var memoryBytes = 1 << 30
    public var threads = 2
    /// Whether an id was erased, as a store knows it: nothing is exported of it, whatever the logs have. The logs' own erasures come on top.
    public var isErased: (@Sendable (UnsafeRawBufferPointer) throws -> Bool)?
    /// Where files go that do not fit in memory.
    public var temporaryDirectory = "/tmp"

    /// What a command line may ask for; with less there is more spilling than work.
    public static let minMemoryBytes = 16 << 20

    public init(features: ExportedFeatures, requests: RequestSource, output: String, format: Format) {
        self.features = features
        self.requests = requests
        self.output = output
        self.format = format
    }
}

/// How far an export is; given from time to time to whoever shows it.
public struct ExportProgress: Sendable, Equatable {
    public enum Phase: String, Sendable { case readingRequests = "requests", readingLogs = "logs", replaying = "replay", writing = "write" }
    public var phase: Phase
    public var done: Int
    /// Bytes of requests and logs, rows of the others; nil: not known.
    public var total: Int?
    public init(phase: Phase, done: Int, total: Int?) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// What an export came to.
public struct ExportSummary: Sendable, Equatable {
    public var rows = 0
    public var entities = 0
    /// Events in the logs, and of them those of requested entities.
    public var eventsRead = 0
    public var eventsKept = 0
    /// Requested entities that were erased.
    public var erased = 0
    public var spilledBytes = 0
    public var replay = ReplayCounts()
    /// Records that never became events, by `DropReason.rawValue`, and the first few of them in words.
    public var dropped = [Int](repeating: 0, count: DropReason.allCases.count)
    public var faults: [LogFault] = []
    /// The newest event in the logs, µs; nil: they have none.
    public var logEnd: Int64?
    public init() {}
}
