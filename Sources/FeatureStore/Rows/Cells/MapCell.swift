/// Counts or sums by key: flag UInt8, the rest of the keys (UInt64 or Int128; only when the flag is set), then per key, ordered bytewise:
/// length UInt16, bytes, UInt64 count or Int128 sum.
///
/// At most `maxKeys` keys: those whose xxHash64 is smallest, which is a function of the set. What belongs to others is added up under "the
/// rest" and the flag is set.
struct MapCell {
    /// The key under which a map gives the sum of the keys beyond its bound.
    package static var restKey: String { restName.description }
    private static let restName: StaticString = "__other__"
    static let emptyBytes = 1

    private let valueBytes: Int
    private let maxKeys: Int

    init(_ column: TileColumn) {
        valueBytes = column.kind == .sumBy ? 16 : 8
        maxKeys = Int(column.maxKeys)
    }

    /// Returns where the search for a larger key may begin; `start` is what it returned before, for a smaller one.
    @discardableResult
    func add(
        _ amount: Int128, key: UnsafeRawBufferPointer, from start: Int? = nil, to cell: inout VariableCell, in tiles: inout GrowableBytes
    ) -> Int {
        var at = start ?? firstEntry(cell, tiles)
        let end = cell.end(in: tiles)
        while at < end {
            let length = Int(tiles.load(at: at, as: UInt16.self))
            let order = compareBytes(UnsafeRawBufferPointer(start: tiles.base + at + 2, count: length), key)
            if order == 0 {
                addValue(amount, at: at + 2 + length, in: tiles)
                return at + 2 + length + valueBytes
            }
            if order > 0 { break }
            at += 2 + length + valueBytes
        }
        cell.insert(2 + key.count + valueBytes, at: at, in: &tiles)
        tiles.store(UInt16(truncatingIfNeeded: key.count), at: at)
        if let start = key.baseAddress { (tiles.base + at + 2).copyMemory(from: start, byteCount: key.count) }
        setValue(amount, at: at + 2 + key.count, in: tiles)
        return evictOverflow(&cell, &tiles) ? firstEntry(cell, tiles) : at
    }

    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        // Both are in order of their keys.
        var at: Int?
        entries(of: payload) { key, amount in
            at = add(amount, key: key, from: at, to: &cell, in: &tiles)
        } rest: { amount in
            addToRest(amount, &cell, &tiles)
        }
    }

    /// Walks a well-formed payload.
    private func entries(
        of payload: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Int128) -> Void, rest: (Int128) -> Void
    ) {
        func value(_ at: Int) -> Int128 {
            valueBytes == 16
                ? payload.loadUnaligned(fromByteOffset: at, as: Int128.self)
                : Int128(payload.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        var at = 1
        if payload[0] != 0 {
            rest(value(at))
            at += valueBytes
        }
        while at < payload.count {
            let length = Int(payload.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            body(UnsafeRawBufferPointer(rebasing: payload[at + 2..<at + 2 + length]), value(at + 2 + length))
            at += 2 + length + valueBytes
        }
    }

    func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count >= 1 else { return false }
        var at = 1 + (payload[0] != 0 ? valueBytes : 0)
        while at < payload.count {
            guard at + 2 <= payload.count else { return false }
            at += 2 + Int(payload.loadUnaligned(fromByteOffset: at, as: UInt16.self)) + valueBytes
        }
        return at == payload.count
    }

    /// Entries in bytewise order of their keys; what was cut is under `restKey`, together with a key of that very name.
    func value(_ payload: UnsafeRawBufferPointer, _ finish: (Int128) -> Value) -> [Value.MapEntry] {
        var list: [Value.MapEntry] = []
        list.reserveCapacity(payload.count / (12 + valueBytes))
        var others: Int128?
        let restBytes = UnsafeRawBufferPointer(start: Self.restName.utf8Start, count: Self.restName.utf8CodeUnitCount)
        func placeRest(_ more: Int128) {
            if let rest = others { list.append(.init(key: Self.restKey, value: finish(rest &+ more))) }
            others = nil
        }
        entries(of: payload) { key, amount in
            if others != nil {
                let order = compareBytes(key, restBytes)
                if order == 0 { return placeRest(amount) }
                if order > 0 { placeRest(0) }
            }
            list.append(.init(key: String(decoding: key, as: UTF8.self), value: finish(amount)))
        } rest: { others = $0 }
        placeRest(0)
        return list
    }

    /// The `k` keys of the largest counts, the smaller key first among equals, each with its share of all; at the end, under `restKey`, what was
    /// cut, if something was: one of those keys may be more frequent than the last ones here.
    func top(_ k: Int, of payload: UnsafeRawBufferPointer) -> [Value] {
        var keys: [(key: UnsafeRawBufferPointer, count: Int128)] = []
        var total: Int128 = 0
        var others: Int128?
        entries(of: payload) { key, count in
            keys.append((key, count))
            total += count
        } rest: { count in
            others = count
            total += count
        }
        func entry(_ name: String, _ count: Int128) -> Value {
            .map([
                .init(key: "count", value: .int(Int64(clamping: count))),
                .init(key: "share", value: .double(total == 0 ? 0 : nearestDouble(count, over: total))),
                .init(key: "value", value: .string(name)),
            ])
        }
        // Keys lie in bytewise order, and so do equal counts after this.
        keys.sort { $0.count != $1.count ? $0.count > $1.count : compareBytes($0.key, $1.key) < 0 }
        var list = keys.prefix(k).map { entry(String(decoding: $0.key, as: UTF8.self), $0.count) }
        if let others { list.append(entry(Self.restKey, others)) }
        return list
    }

    private func firstEntry(_ cell: VariableCell, _ tiles: borrowing GrowableBytes) -> Int {
        cell.payload + 1 + (tiles.load(at: cell.payload, as: UInt8.self) != 0 ? valueBytes : 0)
    }

    private func value(at offset: Int, in tiles: borrowing GrowableBytes) -> Int128 {
        valueBytes == 16 ? tiles.load(at: offset, as: Int128.self) : Int128(tiles.load(at: offset, as: UInt64.self))
    }

    private func setValue(_ value: Int128, at offset: Int, in tiles: borrowing GrowableBytes) {
        if valueBytes == 16 {
            tiles.store(value, at: offset)
        } else {
            tiles.store(UInt64(truncatingIfNeeded: value), at: offset)
        }
    }

    private func addValue(_ amount: Int128, at offset: Int, in tiles: borrowing GrowableBytes) {
        setValue(value(at: offset, in: tiles) &+ amount, at: offset, in: tiles)
    }

    private func addToRest(_ amount: Int128, _ cell: inout VariableCell, _ tiles: inout GrowableBytes) {
        if tiles.load(at: cell.payload, as: UInt8.self) == 0 {
            tiles.store(UInt8(1), at: cell.payload)
            cell.insert(valueBytes, at: cell.payload + 1, in: &tiles)
            setValue(0, at: cell.payload + 1, in: tiles)
        }
        addValue(amount, at: cell.payload + 1, in: tiles)
    }

    /// Moves the key with the largest hash to the rest when there is one too many; says whether there was.
    private func evictOverflow(_ cell: inout VariableCell, _ tiles: inout GrowableBytes) -> Bool {
        var at = firstEntry(cell, tiles)
        let end = cell.end(in: tiles)
        var count = 0
        while at < end {
            at += 2 + Int(tiles.load(at: at, as: UInt16.self)) + valueBytes
            count += 1
        }
        guard count > maxKeys else { return false }
        at = firstEntry(cell, tiles)
        var victim = at
        var largest: UInt64 = 0
        while at < end {
            let length = Int(tiles.load(at: at, as: UInt16.self))
            let hash = XXHash64.hash(UnsafeRawBufferPointer(start: tiles.base + at + 2, count: length))
            if hash >= largest {
                largest = hash
                victim = at
            }
            at += 2 + length + valueBytes
        }
        let length = Int(tiles.load(at: victim, as: UInt16.self))
        let amount = value(at: victim + 2 + length, in: tiles)
        cell.remove(2 + length + valueBytes, at: victim, in: &tiles)
        addToRest(amount, &cell, &tiles)
        return true
    }
}
