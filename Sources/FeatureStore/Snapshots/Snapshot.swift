internal import Compression
internal import Glibc
internal import LMDB

/// Takes, checks and restores snapshots of a store: copies of its shards with their positions, each as it was in one commit.
///
///     try Snapshot.write(store: "data", to: .directory("backups/monday"))      // a server may be running
///     try Snapshot.verify("backups/monday")
///     try SnapshotRestore(definitions).run("backups/monday")                   // no server may be running
///
/// docs/STORAGE.md#snapshots has the bytes, docs/SNAPSHOTS.md says how to use it.
public enum Snapshot {
    /// Where a snapshot goes.
    public enum Target {
        /// A directory that does not exist yet, with a file for each shard. It has its name when everything in it is on the disk.
        case directory(String)
        /// One stream of all shards, to an open descriptor; the name is for messages.
        case stream(Int32, name: String)
    }

    public struct Options: Sendable {
        public var isCompressed = true
        /// Nil: all of the store.
        public var shards: Set<Int>?
        /// Goes into the manifest.
        public var program = "millrace"
        /// A block of entries ends when it is at least so long.
        package var blockBytes = SnapshotBlock.targetBytes
        public init() {}
    }

    public struct Progress: Sendable {
        /// The shard at work, and how many are done of how many.
        public var shard = 0
        public var shardsDone = 0
        public var shardCount = 0
        /// Of the shard at work.
        public var entries = 0
        public var entryCount = 0
        /// Over all shards, as written or read.
        public var bytes = 0
        public init(shardCount: Int = 0) { self.shardCount = shardCount }
    }

    /// Copies every shard of the store's directory, one after another. Nothing of it is left when it throws.
    ///
    /// Best done by a process of its own: a server cannot grow a map as long as a transaction of its own process reads, and this is a long one. A process
    /// that writes meanwhile cannot reuse the pages that it frees, so its file grows by what it rewrites until the shard is done.
    ///
    /// - Throws: `SnapshotError`, or the `ShardError` of a shard that cannot be read.
    @discardableResult
    public static func write(
        store: String, to target: Target, options: Options = .init(), isInterrupted: @escaping () -> Bool = { false },
        progress: @escaping (Progress) -> Void = { _ in }
    ) throws -> SnapshotManifest {
        var numbers = Store.shardNumbers(in: store)
        if let wanted = options.shards {
            if let absent = wanted.subtracting(numbers).min() { throw SnapshotError.refused("\(store) has no shard \(absent)") }
            numbers = numbers.filter(wanted.contains)
        }
        guard !numbers.isEmpty else {
            throw SnapshotError.refused("\(store): no shard here; check `store.directory`, or let `millrace serve` run first")
        }
        switch target {
        case .stream(let descriptor, let name):
            let output = SnapshotOutput(descriptor: descriptor, name: name)
            return try SnapshotRun(store, numbers, options, isInterrupted, progress).write { _ in output }
        case .directory(let path):
            let place = try PartialDirectory(for: path)
            do {
                let manifest = try SnapshotRun(store, numbers, options, isInterrupted, progress).write {
                    try SnapshotOutput(creating: place.path + "/" + SnapshotManifest.file(ofShard: $0))
                }
                let output = try SnapshotOutput(creating: place.path + "/" + SnapshotManifest.fileName)
                try manifest.sealed().withUnsafeBytes { try output.write($0) }
                try output.sync()
                try place.complete()
                return manifest
            } catch {
                place.remove()
                throw error
            }
        }
    }

    static func randomID() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Reads all of a snapshot (a directory, a file with a stream, or `-` for standard input) and checks every byte of it.
    ///
    /// - Throws: `SnapshotError.damaged` with file, byte and what is wrong.
    @discardableResult
    public static func verify(
        _ path: String, isInterrupted: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws -> SnapshotManifest {
        try SnapshotSource(path).read(isInterrupted: isInterrupted, progress: progress) { _ in { _ in } }
    }

    /// The manifest of a snapshot in a directory, whose own checksum is right; the shards are not looked at.
    public static func manifest(of directory: String) throws -> SnapshotManifest {
        try SnapshotSource.manifest(of: directory)
    }
}

/// One taking of a snapshot.
private struct SnapshotRun {
    let store: String
    let numbers: [Int]
    let options: Snapshot.Options
    let isInterrupted: () -> Bool
    let progress: (Snapshot.Progress) -> Void

    init(
        _ store: String, _ numbers: [Int], _ options: Snapshot.Options, _ isInterrupted: @escaping () -> Bool,
        _ progress: @escaping (Snapshot.Progress) -> Void
    ) {
        (self.store, self.numbers, self.options, self.isInterrupted, self.progress) = (store, numbers, options, isInterrupted, progress)
    }

    /// `output` of each shard; a stream's manifest goes behind the last.
    func write(_ output: (Int) throws -> SnapshotOutput) throws -> SnapshotManifest {
        var manifest = SnapshotManifest(
            id: Snapshot.randomID(), program: options.program, began: Store.now(), ended: 0, streams: [], views: [], partitions: [], shards: [])
        let compressor = options.isCompressed ? ZstdCompressor() : nil
        var state = Snapshot.Progress(shardCount: numbers.count)
        var stream: SnapshotSectionWriter?
        for number in numbers {
            state.shard = number
            let target = try output(number)
            let writer = SnapshotSectionWriter(target, compressor: compressor, blockBytes: options.blockBytes)
            let written = state.bytes
            let shard = try reading(number) { environment, meta in
                if manifest.shards.isEmpty { manifest.take(meta) }
                return try writer.write(number, of: environment, snapshot: manifest.id, now: Store.now) { entries, total in
                    if isInterrupted() { throw SnapshotError.interrupted }
                    (state.entries, state.entryCount) = (entries, total)
                    progress(state)
                }
            }
            manifest.shards.append(shard)
            try target.sync()
            state.bytes = written + shard.fileBytes
            state.shardsDone += 1
            progress(state)
            stream = writer
        }
        manifest.ended = Store.now()
        // Of a directory the manifest is a file of its own.
        if manifest.shards.count > 0, let stream, stream.isStream { try stream.write(manifest) }
        return manifest
    }

    /// Opens a live shard for reading, beside whoever writes it.
    private func reading<R>(_ number: Int, _ body: (Environment, ShardMeta) throws -> R) throws -> R {
        let path = Shard.path(store, number)
        if SessionMark(directory: path).isTorn {
            throw ShardError.file("was open without syncing when the system went down, pages may be missing: let `millrace serve` rebuild it first", directory: path)
        }
        let environment: Environment
        do {
            environment = try Environment(.init(path: path, mapBytes: 1 << 20, maxReaders: 1024, maxTables: 64, readOnly: true))
        } catch { throw ShardError.storage(error) }
        defer { environment.close() }
        do {
            let table = try environment.openTable("meta")
            // The first reading adopts the size of the map that the server may have set.
            let meta = try environment.read { try ShardMeta(reading: table, in: $0) }
            if let format = meta.format, format != Shard.formatVersion {
                throw ShardError.formatVersion(found: Int(format), directory: path)
            }
            return try body(environment, meta)
        } catch let error as LMDBError { throw ShardError.storage(error) }
    }
}

extension SnapshotManifest {
    fileprivate mutating func take(_ meta: ShardMeta) {
        streams = meta.streams.sorted { $0.key < $1.key }.map { ($0.key, $0.value.fingerprint) }
        views = meta.views.sorted { $0.key < $1.key }.map { ($0.key, $0.value.fingerprint) }
        partitions = meta.partitions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
