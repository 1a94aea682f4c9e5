internal import LMDB

/// A shard that a snapshot is being read into: the next generation beside the live one, which nobody adopts before it is marked complete.
final class RestoredShard {
    /// How a generation names its source when it comes from a snapshot.
    static let sourcePrefix = "snapshot "

    let number: Int
    let files: GenerationFiles
    private let lock: DirectoryLock
    private let definitions: Definitions
    private let source: String
    private var environment: Environment?
    private var shard: Shard?
    private var table: (name: String, table: Table)?
    /// Whole entries that are not written yet.
    private var waiting = GrowableBytes(capacity: 1 << 20)
    /// A transaction of this size keeps its pages in memory, and is worth its sync.
    private static let transactionBytes = 32 << 20

    /// - Throws: `refused` when another generation waits there or is being built.
    init(_ number: Int, _ definitions: Definitions, snapshot: [UInt8]) throws {
        self.number = number
        self.definitions = definitions
        source = Self.sourcePrefix + snapshot.hexadecimal
        files = GenerationFiles(number, in: definitions.store.directory)
        try files.recover()
        try files.createNext()
        guard let lock = DirectoryLock(files.next) else {
            throw SnapshotError.refused("\(files.next): another process builds or adopts a generation there. Wait for its end")
        }
        self.lock = lock
        let other: String? = switch files.standing() {
        case .building(let mark?): "a generation from \(mark.source) is being built there"
        case .complete(_, let mark): mark.source.hasPrefix(Self.sourcePrefix) ? nil : "a complete generation from \(mark.source) waits there"
        case .building(nil), .leftover, .torn: nil
        }
        if let other {
            throw SnapshotError.refused("\(files.next): \(other). Start the server, which adopts a complete one, or remove it with `millrace rebuild --discard`")
        }
        do {
            try begin()
        } catch {
            discard()
            throw error
        }
    }

    /// An empty environment that says what it is from its first transaction on.
    private func begin() throws {
        try GenerationFiles.empty(files.next)
        let environment = try Environment(.init(
            path: files.next, mapBytes: definitions.store.initialMapBytes, maxReaders: 1024, maxTables: 64, mode: .dataSynced))
        self.environment = environment
        let meta = try environment.openTable("meta")
        try environment.write { transaction in
            try ShardMeta.put("format", [Shard.formatVersion], meta, transaction)
            try ShardMeta.put("generation", GenerationMark(.building, source: source).bytes, meta, transaction)
        }
    }

    func take(_ content: SnapshotSectionReader.Content) throws {
        switch content {
        case .table(let name):
            try flush()
            guard let environment else { return }
            table = (name, try environment.openTable(name))
        case .entries(let bytes, _):
            waiting.append(bytes)
            if waiting.count >= Self.transactionBytes { try flush() }
        }
    }

    private func flush() throws {
        guard waiting.count > 0, let environment, let (name, table) = table else { return }
        try Shard.growing(environment, definitions.store) {
            try environment.write { transaction in
                _ = try SnapshotSectionReader.forEachEntry(waiting.bytes) { key, value in
                    if name == "meta" {
                        // What the live shard said of its generation is not this one's.
                        let text = String(decoding: key, as: UTF8.self)
                        if text != "generation", text != "backfill" { try transaction.put(table, key, value: value) }
                    } else {
                        try transaction.append(table, key, value: value)
                    }
                    return true
                }
            }
        }
        waiting.removeAll()
    }

    /// Everything has arrived: opens it as a shard of these definitions, which finds out whether they agree.
    func open(warn: (String) -> Void) throws {
        try flush()
        environment?.close()
        environment = nil
        do {
            shard = try Shard(
                number: number, definitions: definitions, path: files.next, partitionCounts: [:], role: .restoring(source: source), warn: warn)
        } catch ShardError.definitionChanged(let kind, let name, _) {
            throw SnapshotError.refused("""
                shard \(number) of the snapshot does not fit these definitions: \(kind) `\(name)` is defined differently from when its rows were \
                written. Restore it with the definitions that it was taken under, and then `millrace rebuild` with the new ones. Nothing was replaced.
                """)
        }
    }

    /// On the disk and marked: from now on the next start adopts it, whatever becomes of this process.
    func markComplete() throws {
        guard let shard else { return }
        try Snapshot.syncDirectory(files.next)
        try shard.markComplete(source: source)
        shard.close()
        self.shard = nil
    }

    /// Closes and deletes what is not complete.
    func discard() {
        close()
        try? GenerationFiles.remove(files.next)
    }

    /// Closes it as it is.
    func close() {
        environment?.close()
        environment = nil
        shard?.close()
        shard = nil
    }
}
