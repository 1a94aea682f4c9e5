internal import LMDB
internal import Synchronization

/// A next generation of a store's shards, built beside the live ones while these go on serving.
///
///     let build = GenerationBuild(definitions, source: "kafka", partitionCounts: counts)
///     let shard = try build.open(0)           // creates it, or resumes one that was interrupted
///     try shard.apply(batch, progress)        // as often as it takes
///     try build.complete(0)                   // on the disk and marked, in this order; the server adopts it
///
/// Until `complete` returns nobody adopts the shard, and `close` (or the death of the process) leaves it to be resumed: its positions
/// say how far it is. One process builds a shard at a time.
public final class GenerationBuild: Sendable {
    private let definitions: Definitions
    private let source: String
    private let partitionCounts: [String: Int]
    private let open = Mutex<[Int: (shard: Shard, lock: DirectoryLock)]>([:])

    /// `source` names what it is built from: an interrupted build is only resumed from the same.
    public init(_ definitions: Definitions, source: String, partitionCounts: [String: Int]) {
        self.definitions = definitions
        self.source = source
        self.partitionCounts = partitionCounts
    }

    deinit { close() }

    /// Creates the next generation of a shard, or opens the one that an interrupted build has left.
    ///
    /// `beginnings`, by topic: the broker timestamp (µs) of the oldest record where earlier ones are gone. Windows that reach back to before
    /// it answer `warming`.
    ///
    /// - Throws: `generation` when another process builds or adopts it, when it was begun with other definitions or from another source.
    public func open(
        _ number: Int, beginnings: [String: Int64] = [:], warn: (String) -> Void = { _ in }
    ) throws(ShardError) -> Shard {
        let files = GenerationFiles(number, in: definitions.store.directory)
        try files.recover()
        try files.createNext()
        // A server that looks whether it is complete holds it for a moment.
        guard let lock = DirectoryLock(files.next, waitMilliseconds: 3_000) else {
            throw .generation("another process builds or adopts it. Wait for its end", directory: files.next)
        }
        switch files.standing() {
        case .leftover:
            try GenerationFiles.empty(files.next)
        // A purge has written nothing that the live shard has not: a build from elsewhere takes its place.
        case .complete(_, let mark) where mark.source == ShardPurge.source:
            try GenerationFiles.empty(files.next)
        case .building(let mark?):
            if let meta = GenerationFiles.readMeta(files.next),
                let difference = meta.difference(from: definitions, partitionCounts: partitionCounts) {
                throw Self.otherDefinitions(difference, mark, files.next)
            }
        case .complete(let meta, let mark):
            if let difference = meta.difference(from: definitions, partitionCounts: partitionCounts) {
                throw Self.otherDefinitions(difference, mark, files.next)
            }
        case .building(nil), .torn: break  // `Shard` begins anew.
        }
        let shard = try Shard(
            number: number, definitions: definitions, path: files.next, partitionCounts: partitionCounts,
            role: .building(source: source, beginnings: beginnings), warn: warn)
        if hasErasures { inherit(files.live, into: shard, warn) }
        open.withLock { $0[number] = (shard, lock) }
        return shard
    }

    private var hasErasures: Bool { definitions.erasureStream != nil }

    /// So that what was erased is not written a second time. The topic of erasures says the same again, so a live shard that cannot be read does
    /// no harm.
    private func inherit(_ live: String, into shard: Shard, _ warn: (String) -> Void) {
        do {
            if try shard.inheritErasures(from: live) { return }
            warn("the tombstones of \(live) were made with another key: erasures are read from their topic alone")
        } catch {
            warn("the tombstones of \(live) cannot be read, erasures are read from their topic alone: \(error)")
        }
    }

    private static func otherDefinitions(_ difference: String, _ mark: GenerationMark, _ path: String) -> ShardError {
        .generation(
            """
            \(mark.state == .complete ? "a complete generation waits there, built" : "a generation was begun there") with other definitions \
            (\(difference)). Remove it with `millrace rebuild --discard` and begin again
            """, directory: path)
    }

    /// Whether a shard was complete already when it was opened.
    public func isComplete(_ number: Int) -> Bool {
        open.withLock { $0[number]?.shard }?.isMarkedComplete ?? false
    }

    /// Syncs the shard, marks it complete and closes it; from now on it is adopted.
    public func complete(_ number: Int) throws(ShardError) {
        guard let (shard, lock) = open.withLock({ $0.removeValue(forKey: number) }) else { return }
        defer { withExtendedLifetime(lock) {} }
        do throws(ShardError) { try shard.markComplete(source: source) } catch {
            shard.close()
            throw error
        }
        shard.close()
    }

    /// Closes what is not complete; it can be resumed.
    public func close() {
        let all = open.withLock { open in
            defer { open = [:] }
            return open
        }
        for (shard, _) in all.values { shard.close() }
    }

    /// Closes and deletes what is not complete: no trace is left.
    public func discard() throws(ShardError) {
        let all = open.withLock { open in
            defer { open = [:] }
            return open
        }
        for (number, (shard, lock)) in all {
            shard.close()
            try GenerationFiles.remove(GenerationFiles(number, in: definitions.store.directory).next)
            withExtendedLifetime(lock) {}
        }
    }
}

/// The next generation of one shard, as it lies in the store's directory.
public struct Generation: Sendable, Equatable {
    public enum State: String, Sendable { case building, complete }

    public let shard: Int
    public let state: State
    /// What it is built from; nil while nothing is in it.
    public let source: String?
    /// Whether a process builds or adopts it at this moment.
    public let isBusy: Bool

    package init(shard: Int, state: State, source: String?, isBusy: Bool) {
        (self.shard, self.state, self.source, self.isBusy) = (shard, state, source, isBusy)
    }

    /// Every next generation of a store, by shard.
    public static func all(in store: String) -> [Generation] {
        GenerationFiles.withNext(in: store).compactMap { number in
            let files = GenerationFiles(number, in: store)
            let lock = DirectoryLock(files.next)
            defer { withExtendedLifetime(lock) {} }
            let mark = GenerationFiles.readMeta(files.next)?.generation
            return Generation(
                shard: number, state: mark?.state == .complete ? .complete : .building, source: mark?.source, isBusy: lock == nil)
        }
    }

    /// Deletes every next generation of a store, complete ones too. Returns the shards that had one.
    ///
    /// - Throws: `generation` when a process works on one; the others are deleted all the same.
    @discardableResult
    public static func discardAll(in store: String) throws(ShardError) -> [Int] {
        var busy: String?
        var discarded: [Int] = []
        for number in GenerationFiles.withNext(in: store) {
            let files = GenerationFiles(number, in: store)
            guard let lock = DirectoryLock(files.next, waitMilliseconds: 1_000) else {
                busy = files.next
                continue
            }
            defer { withExtendedLifetime(lock) {} }
            try files.recover()
            try GenerationFiles.remove(files.next)
            discarded.append(number)
        }
        if let busy { throw .generation("a process builds or adopts it: stop that first", directory: busy) }
        return discarded
    }
}
