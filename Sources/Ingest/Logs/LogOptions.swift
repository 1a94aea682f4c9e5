internal import Glibc

/// What event logs to read and how. `docs/BACKFILL.md` says it for users.
public struct LogOptions: Sendable {
    /// Files, globs, and directories, which are read whole and in the order of their names; `-` is standard input.
    public var paths: [String]
    /// Nil: told by each file's name, else by its first bytes.
    public var format: LogFormat?
    /// The stream of records that name no topic. Nil: told by each file's name, or the only stream there is.
    public var stream: String?
    /// Whether lines are envelopes around events. Nil: told by a file's first line.
    public var envelope: Bool?
    /// CSV: from a column's name to the path that the stream's definition has. Other columns stand for the path of their own name.
    public var columns: [String: String]
    /// CSV and Avro: whether a field of the stream that the file does not have is null; else it is an error, so that a misspelt name is noticed.
    public var missingFieldsAreNull: Bool
    /// The broker's time of records that do not say it, µs since the epoch; -1: they have none.
    public var recordTime: Int64 = -1
    /// Threads that decode.
    public var threads: Int
    /// Only events of this time and later are taken; µs since the epoch.
    public var from: Int64?
    /// Only events before this time are taken.
    public var until: Int64?
    /// Bytes of a block of text, when decompressed. Each thread has two or three of them at work.
    public var blockBytes: Int
    /// A line, a message or an Avro block with more bytes than this is an error: the file is not what it seems.
    public var maxRecordBytes: Int
    /// Faults that are put into words, over all files.
    public var maxFaults: Int

    public init(
        paths: [String], format: LogFormat? = nil, stream: String? = nil, envelope: Bool? = nil, columns: [String: String] = [:],
        missingFieldsAreNull: Bool = false, threads: Int = LogOptions.defaultThreads, from: Int64? = nil, until: Int64? = nil,
        blockBytes: Int = 1 << 20, maxRecordBytes: Int = 64 << 20, maxFaults: Int = 10
    ) {
        self.paths = paths
        self.format = format
        self.stream = stream
        self.envelope = envelope
        self.columns = columns
        self.missingFieldsAreNull = missingFieldsAreNull
        self.threads = threads
        self.from = from
        self.until = until
        self.blockBytes = blockBytes
        self.maxRecordBytes = maxRecordBytes
        self.maxFaults = maxFaults
    }

    /// One per processor.
    public static var defaultThreads: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// How records lie in a log.
public enum LogFormat: String, Sendable, CaseIterable {
    /// A JSON object per line: an event, or an envelope around one.
    case ndjson
    /// RFC 4180 with a header line.
    case csv
    /// The same with tabs.
    case tsv
    /// A varint length and that many bytes, again and again: Kafka values as they are.
    case protobuf
    /// Avro object containers.
    case avro

    var isText: Bool { self == .ndjson || self == .csv || self == .tsv }

    /// By the name's ending, that of the compression left out.
    static func named(_ path: String) -> LogFormat? {
        var name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        for ending in [".gz", ".gzip", ".zst", ".zstd"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
        return switch name.split(separator: ".").last {
        case "ndjson", "jsonl", "json": .ndjson
        case "csv": .csv
        case "tsv": .tsv
        case "pb", "binpb", "protobuf": .protobuf
        case "avro": .avro
        default: nil
        }
    }

    static func detect(_ firstBytes: UnsafeRawBufferPointer) -> LogFormat? {
        if firstBytes.starts(with: AvroContainer.magic) { return .avro }
        for byte in firstBytes where byte > 0x20 { return byte == UInt8(ascii: "{") ? .ndjson : nil }
        return nil
    }
}
