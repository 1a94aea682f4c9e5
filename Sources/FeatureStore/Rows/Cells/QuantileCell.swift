/// How many values lie in each of a row of buckets whose width grows with the value: per bucket that has any, ascending, key Int16 and
/// count (a LEB128 varint).
///
/// DDSketch (Masson, Rim, Lee 2019: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees") with its
/// reference implementation's linearly interpolated mapping, in integers alone: each octave `2^e ... 2^(e+1) − 1` of the field's units is
/// divided into `m` buckets of equal width, so that no value is further than the accuracy from the middle of its bucket. The key is
/// `1 + e · m + j` for bucket `j` of the octave, negative for negative values, 0 for zero.
///
/// Of more than `maxBuckets` buckets the lowest are collapsed into the lowest that stays: the highest `maxBuckets` keys of the set
/// decide, so it is a function of the set, and a bucket that a part collapsed is collapsed in the whole.
struct QuantileCell {
    static let emptyBytes = 0
    private let divisions: Int64
    private let maxBuckets: Int

    init(_ column: TileColumn) {
        divisions = column.parameter
        maxBuckets = Int(column.maxKeys)
    }

    /// Buckets an octave for an accuracy in ten-thousandths: 50 for 1 %.
    static func divisions(accuracy: Int) -> Int { (10_000 - accuracy + 2 * accuracy - 1) / (2 * accuracy) }

    @inline(__always)
    func key(of word: Int64) -> Int16 {
        let size = word.magnitude
        if size == 0 { return 0 }
        let exponent = 63 - size.leadingZeroBitCount
        let product = (size - UInt64(1) << exponent).multipliedFullWidth(by: UInt64(divisions))
        let part = (UInt128(product.high) << 64 | UInt128(product.low)) >> exponent
        let key = 1 + Int64(exponent) * divisions + Int64(part)
        return Int16(truncatingIfNeeded: word < 0 ? -key : key)
    }

    /// The smallest and the largest magnitude in a bucket.
    private func bounds(_ key: UInt64) -> (UInt128, UInt128) {
        let m = UInt64(divisions)
        func low(_ key: UInt64) -> UInt128 {
            let exponent = (key - 1) / m, part = (key - 1) % m
            return UInt128(1) << exponent + (UInt128(part) << exponent + UInt128(m - 1)) / UInt128(m)
        }
        let first = low(key)
        return (first, Swift.max(first, low(key + 1) - 1))
    }

    func add(_ word: Int64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let key = key(of: word)
        // Mostly the bucket is there and its count does not grow by a byte.
        var at = cell.payload
        let end = cell.end(in: tiles)
        while at < end {
            let found = tiles.load(at: at, as: Int16.self)
            var next = at + 2
            while tiles.load(at: next, as: UInt8.self) >= 0x80 { next += 1 }
            if found == key {
                let first = tiles.load(at: at + 2, as: UInt8.self)
                guard first & 0x7f != 0x7f else { break }
                tiles.store(first + 1, at: at + 2)
                return
            }
            if found > key { break }
            at = next + 1
        }
        withUnsafeTemporaryAllocation(byteCount: 3, alignment: 2) { one in
            one.storeBytes(of: key, as: Int16.self)
            one[2] = 1
            merge(UnsafeRawBufferPointer(one), into: &cell, in: &tiles)
        }
    }

    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let own = cell.bytes(in: tiles)
        // Counts of equal keys may need one more byte; in front is room for the bucket that takes the collapsed ones.
        let front = 2 + Varint.maxBytes
        withUnsafeTemporaryAllocation(byteCount: front + own.count + payload.count + payload.count / 3 + 16, alignment: 8) { room in
            var a = Reader(own), b = Reader(payload)
            var end = front
            var buckets = 0
            func put(_ key: Int16, _ count: UInt64) {
                room.storeBytes(of: key, toByteOffset: end, as: Int16.self)
                end = Varint.write(count, to: room, at: end + 2)
                buckets += 1
            }
            merging: while true {
                switch (a.key, b.key) {
                case (let key?, let other?) where key == other: put(key, a.take() &+ b.take())
                case (let key?, let other?): put(Swift.min(key, other), key < other ? a.take() : b.take())
                case (let key?, nil): put(key, a.take())
                case (nil, let key?): put(key, b.take())
                case (nil, nil): break merging
                }
            }
            var start = front
            if buckets > maxBuckets {
                var all = Reader(UnsafeRawBufferPointer(rebasing: room[front..<end]))
                var collapsed: UInt64 = 0
                for _ in 0..<buckets - maxBuckets { collapsed &+= all.take() }
                let lowest = all.key ?? 0
                collapsed &+= all.take()
                let bytes = 2 + Varint.byteCount(collapsed)
                start = front + all.at - bytes
                room.storeBytes(of: lowest, toByteOffset: start, as: Int16.self)
                _ = Varint.write(collapsed, to: room, at: start + 2)
            }
            cell.replacePayload(with: UnsafeRawBufferPointer(rebasing: room[start..<end]), in: &tiles)
        }
    }

    func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        var before = Int(Int16.min) - 1
        let limit = 1 + 63 * Int(divisions)
        while at < payload.count {
            guard at + 2 < payload.count else { return false }
            let key = Int(payload.loadUnaligned(fromByteOffset: at, as: Int16.self))
            guard key > before, -limit < key, key < limit else { return false }
            before = key
            guard let next = Varint.end(in: payload, at: at + 2) else { return false }
            at = next
        }
        return true
    }

    /// Of `n` values in ascending order, the one with `⌊q · (n − 1)⌋` before it, or rather the middle of its bucket; `q` in hundred-thousandths.
    /// Nil when there are no values.
    func quantile(_ q: Int, of payload: UnsafeRawBufferPointer, unit: Int128) -> Double? {
        var total: UInt128 = 0
        var reader = Reader(payload)
        while reader.key != nil { total += UInt128(reader.take()) }
        guard total > 0 else { return nil }
        let before = (total - 1) * UInt128(q) / 100_000
        var seen: UInt128 = 0
        reader = Reader(payload)
        while let key = reader.key {
            seen += UInt128(reader.take())
            if seen > before { return middle(of: key, unit: unit) }
        }
        return nil
    }

    /// As far from the smallest as from the largest value of the bucket, relative to each.
    private func middle(of key: Int16, unit: Int128) -> Double {
        if key == 0 { return 0 }
        let (low, high) = bounds(UInt64(key.magnitude))
        let size = low == high
            ? nearestDouble(Int128(low), over: unit) : nearestDouble(2 * Int128(low) * Int128(high), over: Int128(low + high) * unit)
        return key < 0 ? -size : size
    }

    /// Buckets of a well-formed payload, one after another.
    private struct Reader {
        private let payload: UnsafeRawBufferPointer
        private(set) var at = 0

        init(_ payload: UnsafeRawBufferPointer) { self.payload = payload }

        @inline(__always)
        var key: Int16? { at < payload.count ? payload.loadUnaligned(fromByteOffset: at, as: Int16.self) : nil }

        /// The count at hand; goes on to the next bucket.
        @inline(__always)
        mutating func take() -> UInt64 {
            at += 2
            return Varint.read(payload, at: &at)
        }
    }
}
