internal import LMDB

/// What a shard's `meta` table says: text keys, little-endian values. Read once when the shard opens, changed in the transaction of
/// the batch that changes it.
///
///     format                         UInt16
///     generation                     UInt8 (1 building, 2 complete), the source as text; only in a next generation
///     entity/NAME                    UInt8: first byte of the entity's keys
///     stream/NAME                    id UInt16, fingerprint UInt64
///     view/NAME                      id UInt16, fingerprint UInt64, since Int64 µs (0: from the beginning)
///     retired/ID                     empty: this view id was used once
///     partitions/TOPIC               UInt32
///     position/TOPIC                 next offset Int64, newest record's broker timestamp Int64 µs
///     count/STREAM/applied|REASON    UInt64
///     cutover/STREAM                 Int64 µs: the live stream leaves out events before it
///     backfill                       Int64 × 6: `BackfillMark`; only in a next generation
///     pseudonym_key                  UInt64: fingerprint of the key that pseudonyms are made with
///     pseudonymous/NAME              empty: the keys of the entity's rows are pseudonyms
///     purge                          Int64 µs: since then bytes of erased rows may be in the file
///     purged                         UInt64 how often they were purged, Int64 µs the last time
struct ShardMeta {
    struct Named: Equatable {
        var id: UInt16
        var fingerprint: UInt64
        var since: Int64 = 0
    }
    struct Position: Equatable {
        var nextOffset: Int64
        var newestRecordTime: Int64
    }

    var format: UInt16?
    var generation: GenerationMark?
    var entities: [String: UInt8] = [:]
    var streams: [String: Named] = [:]
    var views: [String: Named] = [:]
    var retired: Set<UInt16> = []
    var partitions: [String: Int] = [:]
    var positions: [String: Position] = [:]
    /// `STREAM/applied` or `STREAM/REASON` -> events.
    var counts: [String: UInt64] = [:]
    var backfill: BackfillMark?
    /// By stream, µs.
    var cutovers: [String: Int64] = [:]
    var pseudonymKey: UInt64?
    var pseudonymous: Set<String> = []
    var purge: PurgeMark = .init()

    init() {}

    init(reading table: Table, in transaction: borrowing ReadTransaction) throws {
        var loaded = ShardMeta()
        try transaction.forEach(table) { key, value in
            loaded.take(key: String(decoding: key, as: UTF8.self), value)
            return true
        }
        self = loaded
    }

    private mutating func take(key: String, _ value: UnsafeRawBufferPointer) {
        func load<T: BitwiseCopyable>(_ at: Int, _ zero: T) -> T {
            at + MemoryLayout<T>.size <= value.count ? value.loadUnaligned(fromByteOffset: at, as: T.self) : zero
        }
        guard let slash = key.firstIndex(of: "/") else {
            if key == "format" { format = load(0, UInt16(0)) }
            if key == "generation" { generation = GenerationMark(value) }
            if key == "backfill" { backfill = BackfillMark(value) }
            if key == "pseudonym_key" { pseudonymKey = load(0, UInt64(0)) }
            if key == "purge" { purge.pendingSince = load(0, Int64(0)) }
            if key == "purged" { (purge.count, purge.lastTime) = (load(0, UInt64(0)), load(8, Int64(0))) }
            return
        }
        let name = String(key[key.index(after: slash)...])
        switch key[..<slash] {
        case "entity": entities[name] = load(0, UInt8(0))
        case "stream": streams[name] = Named(id: load(0, 0), fingerprint: load(2, 0))
        case "view": views[name] = Named(id: load(0, 0), fingerprint: load(2, 0), since: load(10, 0))
        case "cutover": cutovers[name] = load(0, Int64(0))
        case "pseudonymous": pseudonymous.insert(name)
        case "retired": if let id = UInt16(name) { retired.insert(id) }
        case "partitions": partitions[name] = Int(load(0, UInt32(0)))
        case "position": positions[name] = Position(nextOffset: load(0, 0), newestRecordTime: load(8, 0))
        case "count": counts[name] = load(0, UInt64(0))  // A bare 0 would make this an Optional, which is longer.
        default: break
        }
    }

    /// Writes everything but positions, counts and the generation's mark, which `ShardMeta.put` writes as they change.
    func write(to table: Table, in transaction: borrowing WriteTransaction) throws(LMDBError) {
        try Self.put("format", [format ?? Shard.formatVersion], table, transaction)
        for (name, id) in entities { try Self.put("entity/\(name)", [id], table, transaction) }
        for (name, stream) in streams {
            try Self.put("stream/\(name)", bytes(of: stream.id) + bytes(of: stream.fingerprint), table, transaction)
        }
        for (name, view) in views {
            let value = bytes(of: view.id) + bytes(of: view.fingerprint) + bytes(of: view.since)
            try Self.put("view/\(name)", value, table, transaction)
        }
        for id in retired { try Self.put("retired/\(id)", [UInt8](), table, transaction) }
        if let pseudonymKey { try Self.put("pseudonym_key", [pseudonymKey], table, transaction) }
        for name in pseudonymous { try Self.put("pseudonymous/\(name)", [UInt8](), table, transaction) }
        for (topic, count) in partitions {
            try Self.put("partitions/\(topic)", [UInt32(truncatingIfNeeded: count)], table, transaction)
        }
    }

    static func put<T: BitwiseCopyable>(
        _ key: String, _ value: [T], _ table: Table, _ transaction: borrowing WriteTransaction
    ) throws(LMDBError) {
        let keyBytes = Array(key.utf8)
        var failure: LMDBError?
        keyBytes.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                do throws(LMDBError) { try transaction.put(table, key, value: value) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    static func remove(_ key: String, _ table: Table, _ transaction: borrowing WriteTransaction) throws(LMDBError) {
        let keyBytes = Array(key.utf8)
        var failure: LMDBError?
        keyBytes.withUnsafeBytes { key in
            do throws(LMDBError) { try transaction.delete(table, key) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func bytes<T: BitwiseCopyable>(of value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    var sectionIDs: SectionIDs {
        var ids = SectionIDs()
        ids.entities = entities
        ids.streams = streams.mapValues(\.id)
        ids.views = views.mapValues(\.id)
        // No file can name a view like this, so these ids stay taken.
        for id in retired { ids.views["retired \(id)"] = id }
        return ids
    }
}
