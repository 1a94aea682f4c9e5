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
    /// The number alone, as each vector names the shards it was read from.
    let numbers: [Int]
    public let directory: String
    package let catalog: Catalog
    /// Per entity and view: the moment from which on the view has seen every event; nil: from the beginning.
    let since: [[Int64?]]
    /// By topic, as agreed when the shard was opened.
    let partitionCounts: [String: Int]
    /// Whether it was opened as a next generation that is complete.
    let isMarkedComplete: Bool
    /// Opened beside a process that may be writing.
    package var isReadOnly: Bool { environment.options.readOnly }

    let environment: Environment
    let rows: Table
    let meta: Table
    /// What was dropped, by row.
    let drops: Table
    /// Tombstones and receipts (`Shard+Erasures.swift`); nil: there are none.
    let erased: Table?
    /// By entity, what its tombstones are made with; nil: it cannot be erased.
    let tombstoneKeys: [PseudonymKey?]
    let growth: MapGrowth
    let status: Mutex<Status>
    /// Used by the one thread that applies.
    nonisolated(unsafe) var editors: [RowEditor]
    private nonisolated(unsafe) var order = EventOrder()
    /// Known to the one thread that applies.
    nonisolated(unsafe) var hasTombstones: Bool
    /// Of the batch applied last: which events were dropped.
    package internal(set) nonisolated(unsafe) var dropNotes = DropNotes()

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
        var backfill: BackfillMark?
        /// By stream.
        var cutovers: [Int64?] = []
        var purge: PurgeMark
    }

    /// What a directory is opened as.
    enum Role {
        case live
        /// A next generation under construction, or one to be completed.
        case building(source: String, beginnings: [String: Int64])
        /// A complete next generation that catches up with the live one.
        case catchingUp
        /// A next generation that a snapshot was read into.
        case restoring(source: String)
    }

    /// Opens the shard in `directory/shard-NNNN`, making it when it is new.
    ///
    /// `partitionCounts`, by topic, are checked against those the shard was made with. With `readOnly` another process may be writing.
    public convenience init(
        number: Int, definitions: Definitions, directory: String, partitionCounts: [String: Int], readOnly: Bool = false,
        warn: (String) -> Void = { _ in }
    ) throws(ShardError) {
        try self.init(
            number: number, definitions: definitions, path: Self.path(directory, number), partitionCounts: partitionCounts,
            role: .live, readOnly: readOnly, warn: warn)
    }

    convenience init(
        number: Int, definitions: Definitions, path: String, partitionCounts: [String: Int], role: Role, readOnly: Bool = false,
        warn: (String) -> Void
    ) throws(ShardError) {
        var durability = definitions.store.durability
        // A build that a system crash spoils is begun again; it is synced when it is complete.
        if case .building = role { durability = .replay }
        if SessionMark(directory: path).isTorn {
            guard !readOnly else {
                throw .file(
                    "was open without syncing when the system went down: `millrace serve` rebuilds it from the log when a broker answers",
                    directory: path)
            }
            warn("\(path) was open without syncing when the system went down: it is rebuilt from the log")
            do throws(LMDBError) { try Environment.destroy(path: path) } catch { throw .storage(error) }
        }
        let environment: Environment
        let rows: Table, meta: Table
        do throws(LMDBError) {
            environment = try Environment(.init(
                path: path, mapBytes: definitions.store.initialMapBytes, maxReaders: 1024, maxTables: 4,
                mode: durability == .commit ? .writeBehind : .unsynced, readOnly: readOnly))
            rows = try environment.openTable("rows")
            meta = try environment.openTable("meta")
        } catch { throw .storage(error) }
        try self.init(
            number: number, definitions: definitions, path: path, environment, rows, meta,
            partitionCounts: partitionCounts, role: role, durability: durability, readOnly: readOnly)
    }

    private init(
        number: Int, definitions: Definitions, path: String, _ environment: Environment, _ rows: Table, _ meta: Table,
        partitionCounts: [String: Int], role: Role, durability: StoreSettings.Durability, readOnly: Bool
    ) throws(ShardError) {
        self.number = number
        numbers = [number]
        directory = path
        self.environment = environment
        self.rows = rows
        self.meta = meta
        growth = MapGrowth(environment, definitions.store)
        do {
            drops = try environment.openTable("drops")
            erased = try Self.openErased(environment, definitions, path)
            hasTombstones = try erased.map { try environment.entryCount($0) > 0 } ?? false
            tombstoneKeys = definitions.tombstoneKeys
            let stored = try environment.read { transaction in try ShardMeta(reading: meta, in: transaction) }
            try Self.check(stored.generation, role, path)
            isMarkedComplete = stored.generation?.state == .complete
            var beginnings: [String: Int64] = [:]
            if case .building(_, let known) = role { beginnings = known }
            let agreed = try ShardAgreement(
                stored, definitions: definitions, partitionCounts: partitionCounts, directory: path, beginnings: beginnings)
            catalog = agreed.catalog
            since = agreed.since
            self.partitionCounts = agreed.meta.partitions
            if !readOnly {
                let code = SessionMark(directory: path).markOpen(durability)
                guard code == 0 else { throw ShardError.writing("session", code: code, directory: path) }
                try Self.growing(environment, definitions.store) {
                    try environment.write { transaction in
                        for name in stored.views.keys where agreed.meta.views[name] == nil {
                            try ShardMeta.remove("view/\(name)", meta, transaction)
                        }
                        try agreed.meta.write(to: meta, in: transaction)
                        switch role {
                        case .live:
                            if stored.generation != nil { try ShardMeta.remove("generation", meta, transaction) }
                            if stored.backfill != nil { try ShardMeta.remove("backfill", meta, transaction) }
                        case .building(let source, _):
                            if stored.generation == nil {
                                try ShardMeta.put("generation", GenerationMark(.building, source: source).bytes, meta, transaction)
                            }
                        case .catchingUp, .restoring: break
                        }
                    }
                    // What it is called and made of is in the file before anybody else looks.
                    try environment.flush()
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
                }, purge: stored.purge)
            status.rows = try environment.entryCount(rows)
            status.backfill = stored.backfill
            status.cutovers = definitions.streams.map { stored.cutovers[$0.name] }
            self.status = Mutex(status)
            environment.whenMapIsFull { [weak growth] in (try? growth?.growYielding()) != nil }
        } catch let error as ShardError {
            throw error
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .corrupt("\(error)", directory: path)
        }
    }

    private static func check(_ mark: GenerationMark?, _ role: Role, _ path: String) throws(ShardError) {
        switch role {
        case .live:
            if mark?.state == .building {
                throw .generation("it holds a generation that is only half built. Delete the directory and start again", directory: path)
            }
        case .building(let source, _):
            if let mark, mark.source != source {
                throw .generation(
                    "a generation is being built there from \(mark.source), not from \(source). Go on with that, or remove it with `millrace rebuild --discard`",
                    directory: path)
            }
        case .restoring(let source):
            if mark != GenerationMark(.building, source: source) { throw .generation("it is not what was restored", directory: path) }
        case .catchingUp:
            if mark?.state != .complete { throw .generation("it is not a complete generation", directory: path) }
        }
    }

    public static func path(_ directory: String, _ number: Int) -> String { "\(directory)/\(name(number))" }

    /// `shard-0007`.
    static func name(_ number: Int) -> String {
        let digits = String(number)
        return "shard-\(String(repeating: "0", count: Swift.max(0, 4 - digits.count)))\(digits)"
    }

    /// Syncs and closes; the next opening needs no recovery. Lookups that come later fail with `closed`.
    ///
    /// - Returns: why the newest events did not get to the disk, if they did not: they are read from the log again.
    @discardableResult
    public func close() -> ShardError? {
        growth.wishToYield()
        defer { environment.close(flushing: false) }
        if environment.options.readOnly { return nil }
        do throws(LMDBError) { try environment.sync() } catch { return error.kind == .closed ? nil : .storage(error) }
        _ = SessionMark(directory: directory).markClean()  // Left `open`, it costs a rebuild after a system crash, no more.
        return nil
    }

    /// What has been applied so far is in the file when this returns, and with `commit` on the disk.
    package func flush() throws(ShardError) {
        do throws(LMDBError) { try environment.flush() } catch { throw .storage(error) }
    }

    /// Copies the newest commit of a live shard to `target/shard-NNNN`, in one read transaction. A server may be writing to it.
    public static func copy(_ number: Int, of definitions: Definitions, to target: String) throws(ShardError) {
        do {
            let environment = try Environment(.init(
                path: path(definitions.store.directory, number), mapBytes: definitions.store.initialMapBytes, maxReaders: 1024, maxTables: 4,
                readOnly: true))
            defer { environment.close() }
            // Adopts the size of the map that the server may have set, which copying does not.
            try environment.read { _ in }
            try environment.copy(to: path(target, number), compacting: true)
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .corrupt("\(error)", directory: path(definitions.store.directory, number))
        }
    }

    /// Closes what is no longer live: its directory has another name and the live one has its old name, so nothing is written there.
    package func retire() {
        growth.wishToYield()
        environment.close(flushing: false)
    }

    /// Makes a next generation complete: everything is on the disk before the mark is, and the mark when this returns.
    func markComplete(source: String) throws(ShardError) {
        do {
            try environment.sync()
            try environment.write { transaction in
                try ShardMeta.put("generation", GenerationMark(.complete, source: source).bytes, meta, transaction)
            }
            try environment.sync()
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .corrupt("\(error)", directory: directory)
        }
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
                var erasing = Erasing()
                dropNotes.removeAll()
                try environment.write { transaction in
                    if let stream = catalog.erasureStream { try erase(batch, stream, &counts, &newRows, &erasing, transaction) }
                    var taken = Taken(batch, in: catalog)
                    for entity in catalog.entities where !entity.isSingleton {
                        try apply(batch, entity, &counts, &newRows, &taken, transaction)
                    }
                    for entity in catalog.entities where entity.isSingleton {
                        try applyAll(batch, to: entity, &counts, &newRows, taken, transaction)
                    }
                    try record(progress, counts, before, transaction)
                    bodyTime = ContinuousClock.now - began
                }
                let total = ContinuousClock.now - began
                var isFirst = false
                status.withLock { status in
                    for (stream, position) in progress.positions.enumerated() {
                        guard let position else { continue }
                        let newest = Swift.max(position.newestRecordTime, status.positions[stream]?.newestRecordTime ?? 0)
                        if status.positions[stream] == nil { isFirst = true }
                        status.positions[stream] = .init(nextOffset: position.nextOffset, newestRecordTime: newest)
                    }
                    status.counts = counts
                    status.rows += newRows
                    if let mark = progress.mark { status.backfill = mark }
                    if let since = erasing.pendingSince { status.purge.pendingSince = since }
                    status.commit.record(events: batch.eventCount, applying: bodyTime, committing: total - bodyTime)
                }
                // A shard without a position may begin at the end of the log (`kafka.start: latest`), after a crash at another one. The next batch
                // hears of an error.
                if isFirst { try? environment.flush() }
                return
            } catch let error as LMDBError where error.kind == .mapFull {
                try growth.growYielding()
            } catch let error as LMDBError {
                throw .storage(error)
            } catch {
                throw .corrupt("\(error)", directory: directory)
            }
        }
    }

    private func apply(
        _ batch: EventBatch, _ entity: EntityPlan, _ counts: inout [StreamCounts], _ newRows: inout Int,
        _ taken: inout Taken, _ transaction: borrowing WriteTransaction
    ) throws {
        guard !entity.views.isEmpty, batch.eventCount > 0 else { return }
        var keyIndexes = Array(repeating: -1, count: catalog.definitions.streams.count)
        var positions = keyIndexes
        for (position, stream) in entity.streams.enumerated() {
            keyIndexes[stream.index] = stream.keyIndex
            positions[stream.index] = position
        }
        let editor = editors[entity.index]
        var rowKey = GrowableBytes(capacity: 512)
        try order.withSorted(batch, keyIndexes: keyIndexes) { sorted in
            var dropped = RowDrops()
            var at = 0
            while at < sorted.count {
                rowKey.removeAll()
                entity.appendRowKey(sorted.key(at), to: &rowKey)
                let stored = try transaction.get(rows, rowKey.bytes)
                // An erased entity has no row, so one that has needs no look.
                if stored == nil, hasTombstones, try isErased(entity.index, sorted.key(at), transaction) {
                    at = dropErased(batch, sorted, at, keyIndexes, &counts)
                    continue
                }
                try editor.begin(stored)
                repeat {
                    sorted.prefetch(ahead: at)
                    let event = batch.events[sorted[at]]
                    let stream = Int(event.stream)
                    if event.isFuture {
                        // Counted for the stream by whoever has the record's timestamp.
                        dropped.add(.future, stream: entity.streams[positions[stream]].id)
                    } else {
                        let outcome = editor.apply(
                            stream: positions[stream], time: event.time, id: event.id, values: batch.values + Int(event.firstValue))
                        if let reason = outcome.dropReason { dropped.add(reason, stream: entity.streams[positions[stream]].id) }
                        if keyIndexes[stream] == catalog.countingKeys[stream] {
                            counts[stream].add(outcome)
                            taken.note(sorted[at], outcome)
                            if let reason = outcome.dropReason { dropNotes.add(reason, event: sorted[at]) }
                        }
                    }
                    at += 1
                } while at < sorted.count && sorted.continuesKey(at: at)
                if let row = editor.finish() {
                    try transaction.put(rows, rowKey.bytes, value: row)
                    if stored == nil { newRows += 1 }
                }
                if !dropped.isEmpty { try dropped.write(to: drops, key: rowKey.bytes, in: transaction) }
            }
        }
    }

    private func record(
        _ progress: BatchProgress, _ counts: [StreamCounts], _ before: [StreamCounts],
        _ transaction: borrowing WriteTransaction
    ) throws {
        if let mark = progress.mark { try ShardMeta.put("backfill", mark.words, meta, transaction) }
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
}
