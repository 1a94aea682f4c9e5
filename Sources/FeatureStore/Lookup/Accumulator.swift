/// The partial aggregate of one column over the tiles read so far.
struct Accumulator {
    let column: TileColumn
    private(set) var count: UInt64 = 0
    private(set) var sum: Int128 = 0
    private(set) var integer = TileColumn.none
    private var time = TileColumn.none
    private var id: UInt64 = 0
    private(set) var string: UnsafeRawBufferPointer?
    private var hashes: [UInt64] = []
    private var isEstimate = false
    private var keys: [(key: UnsafeRawBufferPointer, amount: Int128)] = []
    private var rest: Int128?

    init(_ column: TileColumn) { self.column = column }

    /// Adds a fixed cell.
    @inline(__always)
    mutating func add(fixed cell: UnsafeRawPointer) {
        switch column.kind {
        case .count, .countNonNull: count &+= cell.loadUnaligned(as: UInt64.self)
        case .sum: sum &+= cell.loadUnaligned(as: Int128.self)
        case .min:
            let value = cell.loadUnaligned(as: Int64.self)
            if value != TileColumn.none, integer == TileColumn.none || value < integer { integer = value }
        case .max: integer = Swift.max(integer, cell.loadUnaligned(as: Int64.self))
        default:
            let newTime = cell.loadUnaligned(as: Int64.self)
            let newID = cell.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            guard newTime != TileColumn.none, time == TileColumn.none || (newTime, newID) < (time, id) else { return }
            time = newTime
            id = newID
            integer = cell.loadUnaligned(fromByteOffset: 16, as: Int64.self)
        }
    }

    /// Adds the payload of a variable cell. The bytes must live until the value is finished.
    mutating func add(payload: UnsafeRawBufferPointer) {
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

/// The double nearest to `numerator / denominator`, ties to even; the denominator is positive.
package func nearestDouble(_ numerator: Int128, over denominator: Int128) -> Double {
    let limit = Int128(1) << 53
    if numerator.magnitude < UInt128(limit), denominator < limit { return Double(numerator) / Double(denominator) }
    let d = denominator.magnitude
    var (q, r) = numerator.magnitude.quotientAndRemainder(dividingBy: d)
    var exponent = 0
    // At least 64 bits of quotient, then one sticky bit for all that follows.
    while q < UInt128(1) << 64, r != 0 {
        r <<= 1
        q <<= 1
        if r >= d {
            r -= d
            q |= 1
        }
        exponent -= 1
        if exponent < -1200 { break }
    }
    if r != 0 { q |= 1 }
    let magnitude = Double(q) * Double(sign: .plus, exponent: exponent, significand: 1)
    return numerator < 0 ? -magnitude : magnitude
}
