/// The most frequent values, by hash, with counts that are at most 1/33 of all values too small: the summary of Misra and Gries (1982), which
/// merges (Agarwal et al. 2013). Every value that is more frequent than that is among them.
package struct FrequentValues: Sendable, Equatable {
    package static let capacity = 32
    package private(set) var hashes: [UInt64] = []
    package private(set) var counts: [UInt64] = []

    package init() {}

    package mutating func add(_ hash: UInt64) {
        if let index = hashes.firstIndex(of: hash) {
            counts[index] &+= 1
        } else if hashes.count < Self.capacity {
            hashes.append(hash)
            counts.append(1)
        } else {
            reduce(by: 1)
        }
    }

    private mutating func reduce(by count: UInt64) {
        var kept = 0
        for index in hashes.indices where counts[index] > count {
            hashes[kept] = hashes[index]
            counts[kept] = counts[index] - count
            kept += 1
        }
        hashes.removeLast(hashes.count - kept)
        counts.removeLast(counts.count - kept)
    }

    package mutating func merge(_ other: FrequentValues) {
        for (hash, count) in zip(other.hashes, other.counts) {
            if let index = hashes.firstIndex(of: hash) {
                counts[index] &+= count
            } else {
                hashes.append(hash)
                counts.append(count)
            }
        }
        if hashes.count > Self.capacity { reduce(by: counts.sorted(by: >)[Self.capacity]) }
    }

    package func count(of hash: UInt64) -> UInt64 { hashes.firstIndex(of: hash).map { counts[$0] } ?? 0 }

    /// The most frequent one; of equals the one with the smaller hash.
    package var top: (hash: UInt64, count: UInt64)? {
        zip(hashes, counts).max { $0.1 != $1.1 ? $0.1 < $1.1 : $0.0 > $1.0 }.map { (hash: $0.0, count: $0.1) }
    }

    // MARK: Bytes: number UInt8, then hash UInt64 and count UInt32 (saturating) each

    func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(hashes.count))
        for (hash, count) in zip(hashes, counts) {
            bytes.append(hash)
            bytes.append(UInt32(clamping: count))
        }
    }

    init?(_ reader: inout ByteReader) {
        guard let count = reader.read(UInt8.self), count <= Self.capacity else { return nil }
        for _ in 0..<count {
            guard let hash = reader.read(UInt64.self), let number = reader.read(UInt32.self) else { return nil }
            hashes.append(hash)
            counts.append(UInt64(number))
        }
    }
}
