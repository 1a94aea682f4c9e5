/// Puts the shards of a snapshot in the place of a store's.
///
/// Everything is read, checked and on the disk beside the live shards before the first of them is replaced, and each is replaced in one step: after a
/// `kill -9` at any moment each shard is the old one or the new one. No server may have the store open.
public struct SnapshotRestore {
    public struct Outcome: Sendable {
        public let manifest: SnapshotManifest
        /// The shards that were replaced or made.
        public let restored: [Int]
        /// Shards of the store that the snapshot does not have, or that were not asked for: they are as they were.
        public let untouched: [Int]
    }

    /// Where a test ends it as a kill would.
    package enum Stop: Equatable, Sendable {
        case loaded, opened, markedFirst, marked
        /// In the adoption of the last shard.
        case adopting(GenerationFiles.Step)
    }

    private let definitions: Definitions
    private let only: Set<Int>?

    /// `only`: these shards of the snapshot; nil: all.
    public init(_ definitions: Definitions, only: Set<Int>? = nil) {
        self.definitions = definitions
        self.only = only
    }

    /// `path`: a directory, a file with a stream, or `-` for standard input.
    @discardableResult
    public func run(
        _ path: String, isInterrupted: () -> Bool = { false }, warn: (String) -> Void = { _ in },
        progress: (Snapshot.Progress) -> Void = { _ in }
    ) throws -> Outcome {
        try run(path, stop: nil, isInterrupted: isInterrupted, warn: warn, progress: progress)!
    }

    /// Nil when `stop` has ended it.
    package func run(
        _ path: String, stop: Stop?, isInterrupted: () -> Bool = { false }, warn: (String) -> Void = { _ in },
        progress: (Snapshot.Progress) -> Void = { _ in }
    ) throws -> Outcome? {
        let store = definitions.store.directory
        if let failure = GenerationFiles.makeDirectory(store) { throw SnapshotError.writing(path: store, code: failure.code) }
        guard let lock = DirectoryLock(store) else {
            throw SnapshotError.refused("\(store): a server has the store open, or another restore is at work. Stop it first; nothing was changed")
        }
        defer { withExtendedLifetime(lock) {} }
        var shards: [RestoredShard] = []
        var isComplete = false
        defer {
            // Of what is not complete nothing stays; what is complete stays as it is.
            if stop == nil, !isComplete { for shard in shards { shard.discard() } } else { for shard in shards { shard.close() } }
        }
        let manifest = try SnapshotSource(path).read(isInterrupted: isInterrupted, progress: progress) { section in
            if let only, !only.contains(section.shard) { return { _ in } }
            let shard = try RestoredShard(section.shard, definitions, snapshot: section.snapshot)
            shards.append(shard)
            return { try shard.take($0) }
        }
        if let absent = only?.subtracting(manifest.shards.map(\.number)).min() {
            throw SnapshotError.refused("\(path) has no shard \(absent); nothing was changed")
        }
        if stop == .loaded { return nil }
        for shard in shards { try shard.open(warn: warn) }
        if stop == .opened { return nil }
        try Snapshot.syncDirectory(store)
        if isInterrupted() { throw SnapshotError.interrupted }
        // From here on it goes forward only: a shard that is marked is adopted by the next start at the latest.
        isComplete = true
        for (index, shard) in shards.enumerated() {
            try shard.markComplete()
            if index == 0, stop == .markedFirst { return nil }
        }
        if stop == .marked { return nil }
        for (index, shard) in shards.enumerated() {
            var step: GenerationFiles.Step?
            if case .adopting(let last) = stop, index == shards.count - 1 { step = last }
            guard try shard.files.adopt(stopAfter: step) else { return nil }
        }
        let restored = shards.map(\.number).sorted()
        return Outcome(
            manifest: manifest, restored: restored, untouched: Store.shardNumbers(in: store).filter { !restored.contains($0) })
    }
}
