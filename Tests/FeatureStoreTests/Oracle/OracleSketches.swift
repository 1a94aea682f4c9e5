import FeatureStore
import Foundation

/// The estimates of SEMANTICS section 6, by their definitions.
enum OracleSketches {
    /// Buckets of `percentile`: an octave of magnitudes has `m` of them.
    struct Buckets {
        let m: UInt128

        /// `accuracy` in ten-thousandths: the least `m` whose widest bucket, `1 ... 1 + 1/m`, is within it.
        init(accuracy: Int) {
            var m = 1
            while 10_000 > accuracy * (2 * m + 1) { m += 1 }
            self.m = UInt128(m)
        }

        private func octave(_ size: UInt128) -> UInt128 {
            var start: UInt128 = 1
            while start * 2 <= size { start *= 2 }
            return start
        }

        private func part(_ size: UInt128) -> UInt128 { (size - octave(size)) * m / octave(size) }

        /// Ordered as the buckets are.
        func key(_ word: Int64) -> Int {
            if word == 0 { return 0 }
            let size = UInt128(word.magnitude)
            let key = 1 + Int(log2(Double(octave(size)))) * Int(m) + Int(part(size))
            return word < 0 ? -key : key
        }

        /// The least and the greatest whole number in the bucket of `size`, found by trying.
        func bounds(_ size: UInt128) -> (UInt128, UInt128) {
            let start = octave(size), part = part(size)
            var low = start + start * part / m, high = start + start * (part + 1) / m
            while self.part(low) < part { low += 1 }
            while high >= start * 2 || self.part(high) > part { high -= 1 }
            return (low, high)
        }
    }

    static func percentile(_ values: [Int64], _ percent: Int, accuracy: Int, maxBuckets: Int, unit: Int128) -> Value {
        if values.isEmpty { return .null }
        let buckets = Buckets(accuracy: accuracy)
        let sorted = values.sorted()
        var value = sorted[percent * (sorted.count - 1) / 100_000]
        // Of too many buckets the lowest are one.
        let keys = Set(values.map { buckets.key($0) }).sorted(by: >)
        if keys.count > maxBuckets, buckets.key(value) < keys[maxBuckets - 1] {
            value = sorted.first { buckets.key($0) == keys[maxBuckets - 1] }!
        }
        if value == 0 { return .double(0) }
        let (low, high) = buckets.bounds(UInt128(value.magnitude))
        let size = low == high ? nearestDouble(Int128(low), over: unit) : nearestDouble(Int128(2 * low * high), over: Int128(low + high) * unit)
        return .double(value < 0 ? -size : size)
    }

    /// HyperLogLog of 2,048 registers with the estimator of Ertl, formula (17) of his paper: `α m² / (m σ(C0/m) + Σ Ck 2^-k + m τ(1 − Cq+1/m) 2^-q)`.
    static func distinct(_ hashes: Set<UInt64>) -> Int64 {
        var registers = [Int](repeating: 0, count: 2048)
        for hash in hashes {
            let rest = String(hash & (1 << 53 - 1), radix: 2)
            let zeros = hash & (1 << 53 - 1) == 0 ? 53 : 53 - rest.count
            registers[Int(hash >> 53)] = max(registers[Int(hash >> 53)], zeros + 1)
        }
        let m = 2048.0, q = 53
        func fraction(_ k: Int) -> Double { Double(registers.filter { $0 == k }.count) / m }
        let x = fraction(0), y = 1 - fraction(q + 1)
        var sigma: Double = x, tau: Double = 1 - y, middle: Double = 0
        for k in 1...40 {
            let power: Double = pow(2, Double(k))
            sigma += pow(x, power) * power / 2
        }
        for k in 1...60 {
            let power: Double = pow(2, -Double(k))
            let rest: Double = 1 - pow(y, power)
            tau -= rest * rest * power
        }
        for k in 1...q { middle += fraction(k) * pow(2, -Double(k)) }
        let sum: Double = sigma + middle + tau / 3 * pow(2, -Double(q))
        let scale: Double = m / (2 * log(2.0))
        return Int64((scale / sum).rounded())
    }
}
