internal import LMDB
internal import Synchronization

/// One Kafka partition's worth of state: a directory with one LMDB environment that holds the rows, and the positions up to
/// which they are true. Both change in one transaction.
///
/// One thread applies batches; any thread reads.
public final class Shard: Sendable {
    /// The store format that this program reads and writes.
    static let formatVersion: UInt16 = 1
    /// Longest entity key in bytes. LMDB takes 511, one is the entity's prefix; the rest is room to grow.
    public static let maxKeyBytes = 480

    public let number: Int
    public let directory: String
    package let catalog: Catalog
    /// Per entity and view: the moment from which on the view has seen every event; nil: from the beginning.
    let since: [[Int64?]]

    let environment: Environment
    let rows: Table
    private let meta: Table
    private let settings: StoreSettings
    private let status: Mutex<Status>
    /// Used by the one thread that applies.
    private nonisolated(unsafe) var editors: [RowEditor]
    private nonisolated(unsafe) var order = EventOrder()
    private nonisolated(unsafe) var rowKey = GrowableBytes(capacity: 512)

    struct Status {
        /// By stream.
        var positions: [ShardMeta.Position?]
        var ends: [Int64?]
        var counts: [StreamCounts]
        var rows = 0
        var stopReason: String?
        var disconnectedSince: Int64?
        var partitionMismatches: UInt64 = 0
        var commit = CommitStatistics()
        /// By topic, as agreed when the shard was made.
        var partitionCounts: [String: Int] = [:]
    }

    /// Opens the shard in `directory/shard-NNNN`, making it when it is new.
    ///
    /// `partitionCounts`, by topic, are checked against those the shard was made with. With `readOnly` another process may be writing.
    public convenience init(
        number: Int, definitions: Definitions, directory: String, partitionCounts: [String: Int], readOnly: Bool = false,
        warn: (String) -> Void = { _ in }
    ) throws(ShardError) {
        let path = Self.path(directory, number)
        if SessionMark(directory: path).isTorn {
            guard !readOnly else {
                throw .file("was open without syncing when the system went down: `millrace serve` rebuilds it from the log", directory: path)
            }
            warn("\(path) was open without syncing when the system went down: it is rebuilt from the log")
            do throws(LMDBError) { try Environment.destroy(path: path) } catch { throw .storage(error) }
        }
        let environment: Environment
        let rows: Table, meta: Table
        do throws(LMDBError) {
            environment = try Environment(.init(
                path: path, mapBytes: definitions.store.initialMapBytes, maxReaders: 1024, maxTables: 4,
                mode: definitions.store.durability == .commit ? .dataSynced : .unsynced, readOnly: readOnly))
            rows = try environment.openTable("rows")
            meta = try environment.openTable("meta")
        } catch { throw .storage(error) }
        try self.init(
            number: number, definitions: definitions, path: path, environment, rows, meta,
            partitionCounts: partitionCounts, readOnly: readOnly)
    }

    private init(
        number: Int, definitions: Definitions, path: String, _ environment: Environment, _ rows: Table, _ meta: Table,
        partitionCounts: [String: Int], readOnly: Bool
    ) throws(ShardError) {
        self.number = number
        directory = path
        self.environment = environment
        self.rows = rows
        self.meta = meta
        settings = definitions.store
        do {
            let stored = try environment.read { transaction in try ShardMeta(reading: meta, in: transaction) }
            let agreed = try ShardAgreement(
                stored, definitions: definitions, partitionCounts: partitionCounts, directory: path)
            catalog = agreed.catalog
            since = agreed.since
            if !readOnly {
                let code = SessionMark(directory: path).markOpen(settings.durability)
                guard code == 0 else { throw ShardError.writing("session", code: code, directory: path) }
                try Self.growing(environment, settings) {
                    try environment.write { transaction in
                        for name in stored.views.keys where agreed.meta.views[name] == nil {
                            try ShardMeta.remove("view/\(name)", meta, transaction)
                        }
                        try agreed.meta.write(to: meta, in: transaction)
                    }
                }
            }
            editors = agreed.catalog.entities.map { RowEditor(plan: $0) }
            var status = Status(
                positions: definitions.streams.map { stored.positions[$0.topic] },
                ends: Array(repeating: nil, count: definitions.streams.count),
                counts: definitions.streams.map { stream in
                    var counts = StreamCounts()
                    counts.applied = stored.counts["\(stream.name)/applied"] ?? 0
                    for reason in DropReason.allCases {
                        counts.dropped[Int(reason.rawValue)] = stored.counts["\(stream.name)/\(reason)"] ?? 0
                    }
                    return counts
                })
            status.rows = try environment.entryCount(rows)
            status.partitionCounts = agreed.meta.partitions
            self.status = Mutex(status)
        } catch let error as ShardError {
            throw error
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .corrupt("\(error)", directory: path)
        }
    }

    /// By topic, as agreed when the shard was made.
    var partitionCounts: [String: Int] { status.withLock { $0.partitionCounts } }
    var isReadOnly: Bool { environment.options.readOnly }

    /// Holds the topics' partitions against those the shard was made with: for a shard that was opened before a broker could be asked.
    func agree(_ counts: [String: Int]) throws(ShardError) {
        let known = partitionCounts
        for (topic, count) in counts {
            guard let was = known[topic], was != count else { continue }
            throw .partitionCountChanged(topic: topic, was: was, is: count, directory: directory)
        }
        let fresh = counts.filter { known[$0.key] == nil }
        guard !fresh.isEmpty else { return }
        do {
            try Self.growing(environment, settings) {
                try environment.write { transaction in
                    for (topic, count) in fresh { try ShardMeta.put("partitions/\(topic)", [UInt32(truncatingIfNeeded: count)], meta, transaction) }
                }
            }
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw error as? ShardError ?? .corrupt("\(error)", directory: directory)
        }
        status.withLock { $0.partitionCounts.merge(fresh) { $1 } }
    }

    public static func path(_ directory: String, _ number: Int) -> String {
        let digits = String(number)
        return "\(directory)/shard-\(String(repeating: "0", count: Swift.max(0, 4 - digits.count)))\(digits)"
    }

    /// Syncs and closes; the next opening needs no recovery. Lookups that come later fail with `closed`.
    public func close() {
        if !environment.options.readOnly, (try? environment.sync()) != nil {
            _ = SessionMark(directory: directory).markClean()  // Left `open`, it costs a rebuild after a system crash, no more.
        }
        environment.close()
    }

    /// Where to go on reading a stream's topic; nil: this shard has never read it.
    public func nextOffset(stream: Int) -> Int64? { status.withLock { $0.positions[stream]?.nextOffset } }

    // MARK: Applying

    /// Applies a batch and moves the positions, in one transaction: all of it or nothing.
    ///
    /// Grows the map when it is full and starts the transaction again. On any error nothing has changed. O(events · log rows).
    @available(*, noasync)
    public func apply(_ batch: EventBatch, _ progress: BatchProgress) throws(ShardError) {
        let began = ContinuousClock.now
        let before = status.withLock { $0.counts }
        while true {
            do {
                var counts = before
                for stream in counts.indices {
                    for reason in counts[stream].dropped.indices {
                        counts[stream].dropped[reason] += progress.dropped[stream][reason]
                    }
                }
                var newRows = 0
                var bodyTime: Duration = .zero
                try environment.write { transaction in
                    for entity in catalog.entities {
                        try apply(batch, entity, &counts, &newRows, transaction)
                    }
                    try record(progress, counts, before, transaction)
                    bodyTime = ContinuousClock.now - began
                }
                let total = ContinuousClock.now - began
                status.withLock { status in
                    for (stream, position) in progress.positions.enumerated() {
                        guard let position else { continue }
                        let newest = Swift.max(position.newestRecordTime, status.positions[stream]?.newestRecordTime ?? 0)
                        status.positions[stream] = .init(nextOffset: position.nextOffset, newestRecordTime: newest)
                    }
                    status.counts = counts
                    status.rows += newRows
                    status.commit.record(events: batch.eventCount, applying: bodyTime, committing: total - bodyTime)
                }
                return
            } catch let error as LMDBError where error.kind == .mapFull {
                try Self.grow(environment, settings)
            } catch let error as LMDBError {
                throw .storage(error)
            } catch {
                throw .corrupt("\(error)", directory: directory)
            }
        }
    }

    private func apply(
        _ batch: EventBatch, _ entity: EntityPlan, _ counts: inout [StreamCounts], _ newRows: inout Int,
        _ transaction: borrowing WriteTransaction
    ) throws {
        guard !entity.views.isEmpty, batch.eventCount > 0 else { return }
        var keyIndexes = Array(repeating: -1, count: catalog.definitions.streams.count)
        var positions = keyIndexes
        for (position, stream) in entity.streams.enumerated() {
            keyIndexes[stream.index] = stream.keyIndex
            positions[stream.index] = position
        }
        order.sort(batch, keyIndexes: keyIndexes)
        let editor = editors[entity.index]
        var at = 0
        while at < order.entries.count {
            let first = batch.events[Int(order.entries[at].event)]
            let key = EventOrder.key(of: first, keyIndex: keyIndexes[Int(first.stream)], in: batch)
            rowKey.removeAll()
            rowKey.append(entity.keyPrefix)
            rowKey.append(key)
            let stored = try transaction.get(rows, rowKey.bytes)
            try editor.begin(stored)
            repeat {
                order.prefetch(ahead: at, batch)
                let event = batch.events[Int(order.entries[at].event)]
                let stream = Int(event.stream)
                let outcome = editor.apply(
                    stream: positions[stream], time: event.time, id: event.id, values: batch.values + Int(event.firstValue))
                if keyIndexes[stream] == catalog.countingKeys[stream] {
                    switch outcome {
                    case .applied: counts[stream].applied += 1
                    case .duplicate: counts[stream].dropped[Int(DropReason.duplicate.rawValue)] += 1
                    case .late: counts[stream].dropped[Int(DropReason.late.rawValue)] += 1
                    }
                }
                at += 1
            } while at < order.entries.count && order.continuesKey(at: at, batch, keyIndexes: keyIndexes)
            if let row = editor.finish() {
                try transaction.put(rows, rowKey.bytes, value: row)
                if stored == nil { newRows += 1 }
            }
        }
    }

    private func record(
        _ progress: BatchProgress, _ counts: [StreamCounts], _ before: [StreamCounts],
        _ transaction: borrowing WriteTransaction
    ) throws {
        let known = status.withLock { $0.positions }
        for (i, stream) in catalog.definitions.streams.enumerated() {
            if let position = progress.positions[i] {
                let newest = Swift.max(position.newestRecordTime, known[i]?.newestRecordTime ?? 0)
                try ShardMeta.put("position/\(stream.topic)", [position.nextOffset, newest], meta, transaction)
            }
            if counts[i].applied != before[i].applied {
                try ShardMeta.put("count/\(stream.name)/applied", [counts[i].applied], meta, transaction)
            }
            for reason in DropReason.allCases where counts[i][reason] != before[i][reason] {
                try ShardMeta.put("count/\(stream.name)/\(reason)", [counts[i][reason]], meta, transaction)
            }
        }
    }

    /// Runs a write again with a larger map as long as it does not fit.
    private static func growing(_ environment: Environment, _ settings: StoreSettings, _ write: () throws -> Void) throws {
        while true {
            do { return try write() } catch let error as LMDBError where error.kind == .mapFull { try grow(environment, settings) }
        }
    }

    /// Doubles the map. On a disk without room for that (`replay`, where the map has its blocks beforehand) it takes a smaller step, down to
    /// `smallestStep`.
    private static func grow(_ environment: Environment, _ settings: StoreSettings) throws(ShardError) {
        let bytes = environment.info().mapBytes
        guard bytes < settings.maxMapBytes else { throw .mapLimit(bytes: settings.maxMapBytes, directory: environment.path) }
        var step = Swift.min(bytes, settings.maxMapBytes - bytes)
        while true {
            do throws(LMDBError) { return try environment.grow(toMapBytes: bytes + step) } catch {
                guard error.kind == .diskFull, step > smallestStep else { throw .storage(error) }
                step = Swift.max(smallestStep, step / 2)
            }
        }
    }

    private static let smallestStep = 256 << 10

    // MARK: Reading

    /// Calls `body` with the row of a key, in place; nil when there is none.
    @available(*, noasync)
    package func withRow<R>(
        entity: Int, key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws -> R
    ) throws -> R {
        try withUnsafeTemporaryAllocation(byteCount: 1 + key.count, alignment: 1) { prefixed in
            prefixed[0] = catalog.entities[entity].keyPrefix
            UnsafeMutableRawBufferPointer(rebasing: prefixed[1...]).copyMemory(from: key)
            return try environment.read { transaction in
                try body(transaction.get(rows, UnsafeRawBufferPointer(prefixed)))
            }
        }
    }

    /// Calls `body` with every row of an entity in key order, until it returns false.
    @available(*, noasync)
    package func forEachRow(
        entity: Int, _ body: (_ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let prefix = catalog.entities[entity].keyPrefix
        try withUnsafeBytes(of: prefix) { start in
            try environment.read { transaction in
                try transaction.forEach(rows, from: start) { key, row in
                    guard key[0] == prefix else { return false }
                    return try body(UnsafeRawBufferPointer(rebasing: key[1...]), row)
                }
            }
        }
    }

    // MARK: Status

    /// What ingest hears of the log's end; nil leaves it as it is.
    public func noteEnd(stream: Int, end: Int64) { status.withLock { $0.ends[stream] = end } }

    /// Ingest cannot reach the brokers (the time since), or can again (nil).
    public func noteDisconnected(since: Int64?) {
        status.withLock { status in
            if since == nil || status.disconnectedSince == nil { status.disconnectedSince = since }
        }
    }

    /// Ingest cannot go on (why), or can again (nil).
    public func noteStopped(_ reason: String?) { status.withLock { $0.stopReason = reason } }
    public func notePartitionMismatches(_ count: UInt64) { status.withLock { $0.partitionMismatches += count } }

    public var counts: [StreamCounts] { status.withLock { $0.counts } }
    public var partitionMismatches: UInt64 { status.withLock { $0.partitionMismatches } }
    public var commitStatistics: CommitStatistics { status.withLock { $0.commit } }
    public var isStopped: Bool { status.withLock { $0.stopReason != nil } }

    /// How far behind the log the rows are, µs: 0 when all that was heard of is applied; nil while it is not known.
    func freshness(now: Int64) -> Microseconds? {
        status.withLock { status in Self.freshness(status, now: now) }
    }

    private static func freshness(_ status: Status, now: Int64) -> Microseconds? {
        var behind: Microseconds?
        for (position, end) in zip(status.positions, status.ends) {
            if let end, end == position?.nextOffset ?? 0 {
                behind = behind ?? 0
            } else if let position {
                // Also while the end of the log is not known, or lies before what was read: then nobody knows how much is missing.
                behind = Swift.max(behind ?? 0, now - position.newestRecordTime)
            } else if end != nil {
                return nil  // nothing applied yet, so nobody knows
            }
        }
        if let since = status.disconnectedSince { behind = Swift.max(behind ?? 0, now - since) }
        return behind
    }

    func statusNow(_ now: Int64) -> ShardStatus {
        let info = environment.info()
        return status.withLock { status in
            var lag: Int64? = 0
            var positions: [ShardStatus.SourcePosition] = []
            for (i, stream) in catalog.definitions.streams.enumerated() {
                let offset = status.positions[i]?.nextOffset
                positions.append(.init(
                    topic: stream.topic, partition: number, offset: offset ?? 0, end: status.ends[i]))
                // A log that ends before what was read from it is not the same log.
                if let end = status.ends[i], let sum = lag, end >= offset ?? 0 { lag = sum + end - (offset ?? 0) } else { lag = nil }
            }
            let state: ShardStatus.State = status.stopReason != nil ? .stopped : status.disconnectedSince != nil ? .disconnected : .open
            let reason = status.stopReason ?? status.disconnectedSince.map { "no broker has answered for \((now - $0) / 1_000_000) s" }
            return ShardStatus(
                shard: number, state: state, reason: reason,
                positions: positions, lagEvents: lag, freshness: Self.freshness(status, now: now), rows: status.rows,
                mapBytes: info.mapBytes, usedBytes: info.usedBytes)
        }
    }

    func reapStaleReaders() -> Int { environment.reapStaleReaders() }
}

/// How batches went, since the shard opened.
public struct CommitStatistics: Sendable {
    public private(set) var batches: UInt64 = 0
    public private(set) var events: UInt64 = 0
    public private(set) var applying: Duration = .zero
    public private(set) var committing: Duration = .zero
    public private(set) var largestBatch = 0

    mutating func record(events count: Int, applying: Duration, committing: Duration) {
        batches += 1
        events += UInt64(count)
        self.applying += applying
        self.committing += committing
        largestBatch = Swift.max(largestBatch, count)
    }
}
