internal import LMDB
internal import Synchronization

/// Purging: a shard written anew without what was erased from it, as a next generation that the server adopts.
///
/// LMDB writes a changed page elsewhere and leaves the old one as it was until its place is needed, and a page that has lost an entry keeps its bytes in
/// the gap. So what was erased is only gone with the file. The new one gets the rows entry by entry: no page of the old one is copied.
public enum ShardPurge {
    /// How a purge ended.
    public enum Outcome: Sendable, Equatable {
        /// A complete next generation is there.
        case done(rows: Int)
        /// It gave way, to a larger map or to the shard's closing. Try again.
        case yielded
        /// Another next generation is there: it has to be adopted or discarded first.
        case occupied
    }

    /// What its next generation says it is built from.
    static let source = "purge"
    private static let batchBytes = 8 << 20

    /// Writes the next generation of an open shard. The shard goes on taking events and answering lookups; what it takes meanwhile the next one
    /// reads from the topics before it is adopted. O(rows), in one read transaction.
    @available(*, noasync)
    public static func run(_ shard: Shard, isCancelled: () -> Bool = { false }) throws(ShardError) -> Outcome {
        let settings = shard.catalog.definitions.store
        let files = GenerationFiles(shard.number, in: settings.directory)
        try files.createNext()
        guard let lock = DirectoryLock(files.next) else { return .occupied }
        defer { withExtendedLifetime(lock) {} }
        switch files.standing() {
        case .building(nil), .leftover, .torn: break
        case .building, .complete: return .occupied
        }
        try GenerationFiles.empty(files.next)
        do {
            let outcome = try write(shard, files.next, settings, isCancelled)
            if case .yielded = outcome { try GenerationFiles.remove(files.next) }
            return outcome
        } catch let error as ShardError {
            try? GenerationFiles.remove(files.next)
            throw error
        } catch let error as LMDBError {
            try? GenerationFiles.remove(files.next)
            throw .storage(error)
        } catch {
            try? GenerationFiles.remove(files.next)
            throw .corrupt("\(error)", directory: shard.directory)
        }
    }

    private struct Yielded: Error {}

    private static func write(
        _ shard: Shard, _ path: String, _ settings: StoreSettings, _ isCancelled: () -> Bool
    ) throws -> Outcome {
        // A map that has to grow meanwhile would end it.
        let info = shard.environment.info()
        if info.usedBytes > info.mapBytes / 4 * 3, info.mapBytes < settings.maxMapBytes { try Shard.grow(shard.environment, settings) }
        let session = SessionMark(directory: path)
        let code = session.markOpen(settings.durability)
        guard code == 0 else { throw ShardError.writing("session", code: code, directory: path) }
        let environment = try Environment(.init(
            path: path, mapBytes: settings.initialMapBytes, maxReaders: 1024, maxTables: 4,
            mode: settings.durability == .commit ? .dataSynced : .unsynced))
        defer { environment.close() }
        let meta = try environment.openTable("meta")
        func mark(_ state: GenerationMark.State) throws {
            try environment.write { transaction in
                try ShardMeta.put("generation", GenerationMark(state, source: source).bytes, meta, transaction)
            }
        }
        try mark(.building)
        do {
            try shard.environment.read { source in
                var tables: [(from: Table, to: Table)] = [
                    (shard.rows, try environment.openTable("rows")), (shard.drops, try environment.openTable("drops")),
                ]
                if let erased = shard.erased { tables.append((erased, try environment.openTable("erased"))) }
                for (from, to) in tables { try copy(from, to, source, environment, settings) { shard.growth.mustYield || isCancelled() } }
                let purge = try ShardMeta(reading: shard.meta, in: source).purge
                try Shard.growing(environment, settings) {
                    try environment.write { transaction in
                        try source.forEach(shard.meta) { key, value in
                            if key.elementsEqual("purge".utf8) || key.elementsEqual("purged".utf8) || key.elementsEqual("generation".utf8) { return true }
                            try transaction.put(meta, key, value: value)
                            return true
                        }
                        try ShardMeta.put("purged", [Int64(bitPattern: purge.count + 1), Store.now()], meta, transaction)
                    }
                }
            }
        } catch is Yielded {
            return .yielded
        }
        try environment.sync()
        try mark(.complete)
        try environment.sync()
        let rows = try environment.entryCount(try environment.openTable("rows"))
        _ = session.markClean()
        return .done(rows: rows)
    }

    private static func copy(
        _ from: Table, _ to: Table, _ source: borrowing ReadTransaction, _ environment: Environment, _ settings: StoreSettings,
        _ mustYield: () -> Bool
    ) throws {
        var next: [UInt8] = []
        var isDone = false
        while !isDone {
            if mustYield() { throw Yielded() }
            let first = next
            try Shard.growing(environment, settings) {
                isDone = true
                var bytes = 0
                try environment.write { transaction in
                    try first.withUnsafeBytes { first in
                        try source.forEach(from, from: first) { key, value in
                            if bytes >= batchBytes {
                                next = Array(key)
                                isDone = false
                                return false
                            }
                            bytes += key.count + value.count
                            try transaction.append(to, key, value: value)
                            return true
                        }
                    }
                }
            }
        }
    }
}
