/// How many values lie in each of a row of buckets whose width grows with the value: quantiles, and the bins that two hours are compared in.
///
/// A bucket is the sign, the exponent and the upper bits of a double's fraction: 16 buckets an octave, so that no value is further than
/// 3.2 % from its bucket's middle. The engine's `QuantileCell` divides the integers of a field's units in the same way; what is observed
/// here may be any double.
///
/// Of more than `maxBuckets` buckets, neighbours are joined, all over, until they fit: 8 an octave (6.3 %), 4 an octave, ... Two sketches
/// of different coarseness are merged at the coarser one. So the buckets are a function of the set of values.
package struct ValueSketch: Sendable, Equatable {
    package static let maxBuckets = 256
    private static let divisionBits = 4
    /// Exponents beyond count as the nearest: 2^-500 to 2^500.
    private static let largestExponent = 500

    /// How often neighbours were joined.
    package private(set) var coarseness = 0
    /// Ascending.
    package private(set) var keys: [Int16] = []
    package private(set) var counts: [UInt64] = []

    package init() {}

    package var total: UInt64 { counts.reduce(0, &+) }

    /// Key of a value at a coarseness: negative for negative values, 0 for zero.
    package static func key(of value: Double, coarseness: Int) -> Int16 {
        let size = value.magnitude
        guard size > 0 else { return 0 }
        let exponent = Int(size.exponent)
        if exponent < -largestExponent { return 0 }
        let part = exponent > largestExponent ? (1 << divisionBits) - 1 : Int(size.significandBitPattern >> UInt64(52 - divisionBits))
        let index = (min(exponent, largestExponent) + largestExponent) << divisionBits | part
        return signed(1 + index >> coarseness, value < 0)
    }

    private static func signed(_ key: Int, _ isNegative: Bool) -> Int16 { Int16(isNegative ? -key : key) }

    /// The smallest and the largest magnitude of a key's bucket, with the sign.
    package static func bounds(_ key: Int16, coarseness: Int) -> (low: Double, high: Double) {
        if key == 0 { return (0, 0) }
        func edge(_ key: Int) -> Double {
            let index = (key - 1) << coarseness
            let exponent = index >> divisionBits - largestExponent, part = index & (1 << divisionBits - 1)
            return Double(sign: .plus, exponent: exponent, significand: 1 + Double(part) / Double(1 << divisionBits))
        }
        let size = Int(key.magnitude)
        let low = edge(size), high = edge(size + 1)
        return key < 0 ? (-high, -low) : (low, high)
    }

    package mutating func add(_ value: Double) {
        let key = Self.key(of: value, coarseness: coarseness)
        var low = 0, high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        if low < keys.count, keys[low] == key {
            counts[low] &+= 1
            return
        }
        keys.insert(key, at: low)
        counts.insert(1, at: low)
        while keys.count > Self.maxBuckets { coarsen() }
    }

    /// Joins neighbours.
    private mutating func coarsen() {
        coarseness += 1
        var joined: [Int16] = [], sums: [UInt64] = []
        for (key, count) in zip(keys, counts) {
            let coarser = key == 0 ? 0 : Self.signed(1 + (Int(key.magnitude) - 1) >> 1, key < 0)
            if joined.last == coarser {
                sums[sums.count - 1] &+= count
            } else {
                joined.append(coarser)
                sums.append(count)
            }
        }
        (keys, counts) = (joined, sums)
    }

    package mutating func merge(_ other: ValueSketch) {
        if other.keys.isEmpty { return }
        var other = other
        while other.coarseness < coarseness { other.coarsen() }
        while coarseness < other.coarseness { coarsen() }
        var merged: [Int16] = [], sums: [UInt64] = []
        merged.reserveCapacity(keys.count + other.keys.count)
        sums.reserveCapacity(keys.count + other.keys.count)
        var a = 0, b = 0
        while a < keys.count || b < other.keys.count {
            if b == other.keys.count || a < keys.count && keys[a] < other.keys[b] {
                merged.append(keys[a])
                sums.append(counts[a])
                a += 1
            } else if a == keys.count || other.keys[b] < keys[a] {
                merged.append(other.keys[b])
                sums.append(other.counts[b])
                b += 1
            } else {
                merged.append(keys[a])
                sums.append(counts[a] &+ other.counts[b])
                a += 1
                b += 1
            }
        }
        (keys, counts) = (merged, sums)
        while keys.count > Self.maxBuckets { coarsen() }
    }

    /// These buckets at a coarseness of at least `coarseness`.
    package func coarsened(to coarseness: Int) -> ValueSketch {
        var copy = self
        while copy.coarseness < coarseness { copy.coarsen() }
        return copy
    }

    /// The middle of the bucket of the value that has `q` of the others before it; nil when there is none.
    package func quantile(_ q: Double) -> Double? {
        let total = total
        guard total > 0 else { return nil }
        let before = UInt64(q * Double(total - 1))
        var seen: UInt64 = 0
        for (key, count) in zip(keys, counts) {
            seen &+= count
            if seen > before {
                let (low, high) = Self.bounds(key, coarseness: coarseness)
                return low == 0 ? 0 : 2 * low * high / (low + high)
            }
        }
        return nil
    }

    /// Values of a key below `low` or above `high`.
    package func count(below low: Int16, above high: Int16) -> UInt64 {
        zip(keys, counts).reduce(0) { $1.0 < low || $1.0 > high ? $0 &+ $1.1 : $0 }
    }

    // MARK: Bytes: coarseness UInt8, number of buckets UInt16, then key Int16 and count UInt32 (saturating) each

    func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(coarseness))
        bytes.append(UInt16(keys.count))
        for (key, count) in zip(keys, counts) {
            bytes.append(key)
            bytes.append(UInt32(clamping: count))
        }
    }

    init?(_ reader: inout ByteReader) {
        guard let coarseness = reader.read(UInt8.self), coarseness <= 16, let count = reader.read(UInt16.self), count <= Self.maxBuckets else {
            return nil
        }
        self.coarseness = Int(coarseness)
        for _ in 0..<count {
            guard let key = reader.read(Int16.self), let number = reader.read(UInt32.self), keys.last.map({ $0 < key }) ?? true else { return nil }
            keys.append(key)
            counts.append(UInt64(number))
        }
    }
}
