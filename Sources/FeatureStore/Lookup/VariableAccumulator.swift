/// The partial aggregate of one column of variable size over the tiles read so far.
struct VariableAccumulator {
    let column: TileColumn
    private(set) var string: UnsafeRawBufferPointer?
    private var time = TileColumn.none
    private var id: UInt64 = 0
    private var hashes: [UInt64] = []
    private var isEstimate = false
    private var keys: [(key: UnsafeRawBufferPointer, amount: Int128)] = []
    private var rest: Int128?

    init(_ column: TileColumn) { self.column = column }

    /// Adds the payload of a variable cell. The bytes must live until the value is finished.
    mutating func add(_ payload: UnsafeRawBufferPointer) {
        switch column.kind {
        case .firstString:
            guard payload.count >= 16 else { return }
            let newTime = payload.loadUnaligned(as: Int64.self)
            let newID = payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            guard time == TileColumn.none || (newTime, newID) < (time, id) else { return }
            time = newTime
            id = newID
            string = UnsafeRawBufferPointer(rebasing: payload[16...])
        case .distinct:
            if payload[0] != 0 { isEstimate = true }
            var at = 1
            while at + 8 <= payload.count {
                hashes.append(payload.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                at += 8
            }
        default:
            MapCell.entries(of: payload, valueBytes: column.kind == .sumBy ? 16 : 8) { key, amount in
                if let known = keys.firstIndex(where: { compareBytes($0.key, key) == 0 }) {
                    keys[known].amount &+= amount
                } else {
                    keys.append((key, amount))
                }
            } rest: { amount in
                rest = (rest ?? 0) &+ amount
            }
        }
    }

    /// Values told apart; exact unless the union holds more than `DistinctCell.capacity`, whether or not a tile was cut.
    mutating func distinctCount() -> Int64 {
        hashes.sort()
        var unique = 0
        for i in hashes.indices where i == 0 || hashes[i] != hashes[i - 1] {
            hashes[unique] = hashes[i]
            unique += 1
        }
        hashes.removeLast(hashes.count - unique)
        let k = DistinctCell.capacity
        guard unique > k || (isEstimate && unique == k) else { return Int64(unique) }
        let u = Double(hashes[k - 1]) / 0x1p64
        return Int64(exactly: (Double(k - 1) / u).rounded()) ?? .max  // Only damaged hashes lie that close together.
    }

    /// Entries in bytewise order of their keys; what was cut is under `MapCell.restKey`, together with a key of that very name.
    mutating func map(_ value: (Int128) -> Value) -> [Value.MapEntry] {
        var others = rest
        if keys.count > Int(column.maxKeys) {
            // A key that some tile may have cut has a larger hash than these, which no tile cuts.
            keys.sort { XXHash64.hash($0.key) < XXHash64.hash($1.key) }
            for cut in keys[Int(column.maxKeys)...] { others = (others ?? 0) &+ cut.amount }
            rest = others
            keys.removeLast(keys.count - Int(column.maxKeys))
        }
        keys.sort { compareBytes($0.key, $1.key) < 0 }
        var entries = keys.map { Value.MapEntry(key: String(decoding: $0.key, as: UTF8.self), value: value($0.amount)) }
        guard let others else { return entries }
        let restKey = Array(MapCell.restKey.utf8)
        let (at, order) = restKey.withUnsafeBytes { bytes in
            let at = keys.firstIndex { compareBytes($0.key, bytes) >= 0 } ?? keys.count
            return (at, at < keys.count ? compareBytes(keys[at].key, bytes) : 1)
        }
        if order == 0 {
            entries[at].value = value(keys[at].amount &+ others)
        } else {
            entries.insert(.init(key: MapCell.restKey, value: value(others)), at: at)
        }
        return entries
    }
}

extension MapCell {
    /// The key under which a map gives the sum of the keys beyond its bound.
    package static var restKey: String { "__other__" }
}
