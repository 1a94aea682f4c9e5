internal import LMDB

/// How an erasure is applied, and what is kept of it. In the table `erased`:
///
///     0, pseudonym                        -> time of the erasure Int64 µs                                       a tombstone
///     1, length UInt8, receipt, pseudonym -> time Int64 µs, purges before UInt64, had a row UInt8, entity       part of a receipt
///
/// A tombstone stays for ever. From it on every event of the entity is dropped, so what is left of an erased entity does not depend on
/// the order in which events and erasures come.
extension Shard {
    /// What the erasures of one batch did.
    struct Erasing {
        var pendingSince: Int64?
    }

    /// Opened where there are erasures, or were.
    static func openErased(_ environment: Environment, _ definitions: Definitions, _ path: String) throws -> Table? {
        let table: Table
        do throws(LMDBError) {
            table = try environment.openTable("erased", create: definitions.erasureStream != nil)
        } catch {
            guard error.kind == .missingTable else { throw error }
            return nil
        }
        if definitions.erasureStream == nil, try environment.entryCount(table) > 0 { throw ShardError.erasuresOff(directory: path) }
        return table
    }

    /// Applies the erasures of a batch, before its events.
    func erase(
        _ batch: EventBatch, _ stream: Int, _ counts: inout [StreamCounts], _ newRows: inout Int, _ erasing: inout Erasing,
        _ transaction: borrowing WriteTransaction
    ) throws {
        for i in 0..<batch.eventCount where Int(batch.events[i].stream) == stream {
            let event = batch.events[i]
            let values = batch.values + Int(event.firstValue)
            guard let entity = erasableEntity(values[1]), let erased else {
                counts[stream].dropped[Int(DropReason.unknown.rawValue)] += 1
                continue
            }
            let isNew = try erase(
                entity, id: values[0].bytes, receipt: values[2].isNull ? nil : values[2].bytes, time: event.time, erased, &newRows, &erasing,
                transaction)
            if isNew { counts[stream].applied += 1 } else { counts[stream].dropped[Int(DropReason.duplicate.rawValue)] += 1 }
        }
    }

    private func erasableEntity(_ name: FieldValue) -> Int? {
        guard name.kind == .string else { return nil }
        return catalog.entities.firstIndex { tombstoneKeys[$0.index] != nil && $0.name.utf8.elementsEqual(name.bytes) }
    }

    /// Removes what the shard has of one entity and leaves a tombstone. False: there was one.
    private func erase(
        _ entity: Int, id: UnsafeRawBufferPointer, receipt: UnsafeRawBufferPointer?, time: Int64, _ erased: Table, _ newRows: inout Int,
        _ erasing: inout Erasing, _ transaction: borrowing WriteTransaction
    ) throws -> Bool {
        guard let pseudonym = tombstoneKeys[entity]?.pseudonym(id) else { return false }
        let plan = catalog.entities[entity]
        var rowKey = GrowableBytes(capacity: 512)
        plan.appendRowKey(id, to: &rowKey)
        let hadRow = try transaction.delete(rows, rowKey.bytes)
        let hadDrops = try transaction.delete(drops, rowKey.bytes)
        if hadRow { newRows -= 1 }
        let purge = status.withLock { $0.purge }
        if hadRow || hadDrops, purge.pendingSince == nil, erasing.pendingSince == nil {
            erasing.pendingSince = Store.now()
            try ShardMeta.put("purge", [erasing.pendingSince!], meta, transaction)
        }
        hasTombstones = true
        let tombstone = Self.tombstoneKey(pseudonym)
        let known = try tombstone.withUnsafeBytes { try transaction.get(erased, $0)?.loadUnaligned(as: Int64.self) }
        // The earliest of several, whichever came first.
        if known.map({ time < $0 }) ?? true { try put(tombstone, Self.bytes(of: time), erased, transaction) }
        if let receipt, receipt.count > 0 {
            let key = Self.receiptKey(receipt) + pseudonym.bytes
            if try key.withUnsafeBytes({ try transaction.get(erased, $0) }) == nil {
                let value = Self.bytes(of: time) + Self.bytes(of: purge.count) + [hadRow || hadDrops ? 1 : 0] + Array(plan.name.utf8)
                try put(key, value, erased, transaction)
            }
        }
        return known == nil
    }

    private func put(_ key: [UInt8], _ value: [UInt8], _ table: Table, _ transaction: borrowing WriteTransaction) throws {
        var failure: LMDBError?
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                do throws(LMDBError) { try transaction.put(table, key, value: value) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    private static func bytes<T: BitwiseCopyable>(of value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    static func tombstoneKey(_ pseudonym: Pseudonym) -> [UInt8] { [0] + pseudonym.bytes }
    static func receiptKey(_ receipt: UnsafeRawBufferPointer) -> [UInt8] { [1, UInt8(truncatingIfNeeded: receipt.count)] + Array(receipt) }

    /// Whether events of an entity without a row are dropped.
    @inline(never)
    func isErased(_ entity: Int, _ id: UnsafeRawBufferPointer, _ transaction: borrowing WriteTransaction) throws -> Bool {
        guard let erased, let pseudonym = tombstoneKeys[entity]?.pseudonym(id) else { return false }
        return try withUnsafeTemporaryAllocation(byteCount: 1 + Pseudonym.byteCount, alignment: 1) { key in
            key[0] = 0
            pseudonym.write(to: key.baseAddress! + 1)
            return try transaction.get(erased, UnsafeRawBufferPointer(key)) != nil
        }
    }

    /// Counts the events of the erased entity whose first is at `start`; the place of the next entity's. Nothing is kept of them, not even
    /// how many there were.
    func dropErased(
        _ batch: EventBatch, _ sorted: SortedEvents, _ start: Int, _ keyIndexes: [Int], _ counts: inout [StreamCounts]
    ) -> Int {
        var at = start
        repeat {
            let event = batch.events[sorted[at]]
            let stream = Int(event.stream)
            if !event.isFuture, keyIndexes[stream] == catalog.countingKeys[stream] {
                counts[stream].dropped[Int(DropReason.erased.rawValue)] += 1
                dropNotes.add(.erased, event: sorted[at])
            }
            at += 1
        } while at < sorted.count && sorted.continuesKey(at: at)
        return at
    }

    // MARK: Reading

    /// Whether bytes of erased rows wait to be purged.
    public var purge: PurgeMark { status.withLock { $0.purge } }

    /// Whether anybody was erased.
    var hasErasures: Bool {
        guard let erased else { return false }
        return ((try? environment.entryCount(erased)) ?? 0) > 0
    }

    /// Whether an id of an entity was erased here.
    @available(*, noasync)
    package func isErased(entity: Int, id: UnsafeRawBufferPointer) throws -> Bool {
        guard let erased, let pseudonym = tombstoneKeys[entity]?.pseudonym(id) else { return false }
        return try Self.tombstoneKey(pseudonym).withUnsafeBytes { key in
            try environment.read { transaction in try transaction.get(erased, key) != nil }
        }
    }

    /// What the shard has of a receipt; empty: nothing.
    @available(*, noasync)
    func erasures(receipt: String) throws -> [ErasureReceipt.Part] {
        guard let erased else { return [] }
        let purge = purge
        var parts: [ErasureReceipt.Part] = []
        let prefix = Array(receipt.utf8).withUnsafeBytes { Self.receiptKey($0) }
        try prefix.withUnsafeBytes { start in
            try environment.read { transaction in
                try transaction.forEach(erased, from: start) { key, value in
                    guard key.count == prefix.count + Pseudonym.byteCount, value.count >= 17, key.prefix(prefix.count).elementsEqual(prefix) else {
                        return false
                    }
                    let purges = value.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                    let isPurged = value[16] == 0 || purge.pendingSince == nil || purge.count > purges
                    parts.append(.init(
                        entity: String(decoding: value[17...], as: UTF8.self),
                        pseudonym: Pseudonym(UnsafeRawBufferPointer(rebasing: key[prefix.count...])),
                        time: value.loadUnaligned(as: Int64.self), isPurged: isPurged))
                    return true
                }
            }
        }
        return parts
    }

    /// Takes over the tombstones and receipts of another shard of the same number. False: they were made with another key.
    func inheritErasures(from path: String) throws -> Bool {
        guard let erased, GenerationFiles.exists(path + "/data.mdb") else { return true }
        let other = try Environment(.init(path: path, mapBytes: 1 << 20, maxReaders: 1024, maxTables: 4, readOnly: true))
        defer { other.close() }
        let table: Table
        do throws(LMDBError) { table = try other.openTable("erased") } catch {
            if error.kind == .missingTable { return true }
            throw error
        }
        let otherMeta = try other.openTable("meta")
        return try other.read { source in
            guard try ShardMeta(reading: otherMeta, in: source).pseudonymKey == catalog.definitions.pseudonymFingerprint else { return false }
            try Self.growing(environment, catalog.definitions.store) {
                try environment.write { transaction in
                    try source.forEach(table) { key, value in
                        var value = Array(value)
                        // This file never had anything of them.
                        if key[0] == 1, value.count > 16 { value[16] = 0 }
                        try value.withUnsafeBytes { try transaction.put(erased, key, value: $0) }
                        return true
                    }
                }
            }
            hasTombstones = try environment.entryCount(erased) > 0
            return true
        }
    }
}

extension Definitions {
    /// What all pseudonyms of a store depend on; nil: it has none.
    var pseudonymFingerprint: UInt64? {
        guard erasureStream != nil || entities.contains(where: \.isPseudonymous) else { return nil }
        return (privacy.key ?? .open).fingerprint
    }

    /// By entity.
    var tombstoneKeys: [PseudonymKey?] {
        entities.map { entity in
            privacy.erasures?.entities.contains(entity.name) == true && erasureStream != nil ? privacy.key(ofEntity: entity.name) : nil
        }
    }
}

extension ShardMeta {
    /// Holds what pseudonyms depend on against the definitions, and takes it over.
    mutating func agree(on definitions: Definitions, directory: String) throws(ShardError) {
        let now = definitions.pseudonymFingerprint
        if let pseudonymKey, let now, pseudonymKey != now { throw .pseudonymKeyChanged(directory: directory) }
        if now != nil { pseudonymKey = now }
        for entity in definitions.entities where entity.isPseudonymous != pseudonymous.contains(entity.name) {
            if entities[entity.name] != nil { throw .definitionChanged(kind: "entity", name: entity.name, directory: directory) }
            pseudonymous.insert(entity.name)
        }
    }
}
