internal import LMDB

/// How far a backfill has come with a shard: a place in its list of logs, and what it has left out. Commits with the rows.
public struct BackfillMark: Sendable, Equatable {
    /// Index in the list of files; offset in the decompressed bytes; line breaks before it.
    public var file: Int64
    public var offset: Int64
    public var line: Int64
    public var skipped: Skipped

    /// Records that no shard counts as dropped. The first shard keeps account of them.
    public struct Skipped: Sendable, Equatable {
        /// Malformed records that do not say which stream they belong to.
        public var noStream: UInt64 = 0
        /// Records of topics that no stream reads.
        public var otherTopics: UInt64 = 0
        /// Events outside of the times that were asked for.
        public var outside: UInt64 = 0
        public init() {}
    }

    public init(file: Int64 = 0, offset: Int64 = 0, line: Int64 = 0, skipped: Skipped = .init()) {
        self.file = file
        self.offset = offset
        self.line = line
        self.skipped = skipped
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 48 else { return nil }
        func load(_ at: Int) -> Int64 { bytes.loadUnaligned(fromByteOffset: at, as: Int64.self) }
        self.init(file: load(0), offset: load(8), line: load(16))
        skipped.noStream = UInt64(bitPattern: load(24))
        skipped.otherTopics = UInt64(bitPattern: load(32))
        skipped.outside = UInt64(bitPattern: load(40))
    }

    var words: [Int64] {
        [file, offset, line] + [skipped.noStream, skipped.otherTopics, skipped.outside].map { Int64(bitPattern: $0) }
    }
}

extension Shard {
    /// How far a backfill of this shard is; nil: none is being made of it.
    public var backfillMark: BackfillMark? { status.withLock { $0.backfill } }

    /// The live stream leaves out events of a stream before this time (µs), because a backfill took them; nil: it takes all.
    public func cutover(stream: Int) -> Int64? { status.withLock { $0.cutovers[stream] } }

    /// Sets the cut-over times of streams, for good.
    public func setCutover(_ times: [(stream: Int, time: Int64)]) throws(ShardError) {
        do {
            try environment.write { transaction in
                for (stream, time) in times {
                    try ShardMeta.put("cutover/\(catalog.definitions.streams[stream].name)", [time], meta, transaction)
                }
            }
            status.withLock { status in
                for (stream, time) in times { status.cutovers[stream] = time }
            }
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .corrupt("\(error)", directory: directory)
        }
    }

    /// Partitions by topic, as the store in `directory` was made with: what its first shard says, live or being built. Empty: there is none.
    public static func partitionCounts(in directory: String) -> [String: Int] {
        for number in Store.shardNumbers(in: directory) {
            if let meta = GenerationFiles.readMeta(path(directory, number)), !meta.partitions.isEmpty { return meta.partitions }
        }
        for number in GenerationFiles.withNext(in: directory) {
            let next = GenerationFiles(number, in: directory).next
            if let meta = GenerationFiles.readMeta(next), !meta.partitions.isEmpty { return meta.partitions }
        }
        return [:]
    }
}
