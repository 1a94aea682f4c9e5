import Glibc

/// How many distinct hashes were seen: the hashes themselves up to `exactLimit`, then HyperLogLog (Flajolet et al. 2007) with `1 << bits`
/// registers. Both forms follow from the set.
///
/// The engine's `DistinctCell` has 2,048 registers; here one is kept for each feature and hour, and 6.5 % (256 registers) are good enough
/// to see a value that is stuck or a category that is gone.
package struct DistinctSketch: Sendable, Equatable {
    private let bits: Int
    private let exactLimit: Int
    /// Ascending; unused once there are registers.
    private var hashes: [UInt64] = []
    private var registers: [UInt8] = []

    /// Of values: standard error 6.5 %.
    package static var values: DistinctSketch { .init(bits: 8, exactLimit: 32) }
    /// Of entities: 3.3 %.
    package static var entities: DistinctSketch { .init(bits: 10, exactLimit: 128) }

    private init(bits: Int, exactLimit: Int) {
        self.bits = bits
        self.exactLimit = exactLimit
    }

    package mutating func add(_ hash: UInt64) {
        if !registers.isEmpty { return raise(hash) }
        var low = 0, high = hashes.count
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        if low < hashes.count, hashes[low] == hash { return }
        if hashes.count < exactLimit {
            hashes.insert(hash, at: low)
        } else {
            becomeRegisters()
            raise(hash)
        }
    }

    private mutating func becomeRegisters() {
        registers = Array(repeating: 0, count: 1 << bits)
        for hash in hashes { raise(hash) }
        hashes = []
    }

    private mutating func raise(_ hash: UInt64) {
        let index = Int(hash >> UInt64(64 - bits))
        let rank = UInt8(min((hash << UInt64(bits)).leadingZeroBitCount, 64 - bits) + 1)
        if rank > registers[index] { registers[index] = rank }
    }

    package mutating func merge(_ other: DistinctSketch) {
        if other.registers.isEmpty {
            for hash in other.hashes { add(hash) }
            return
        }
        if registers.isEmpty { becomeRegisters() }
        for index in registers.indices { registers[index] = max(registers[index], other.registers[index]) }
    }

    package var estimate: Double {
        guard !registers.isEmpty else { return Double(hashes.count) }
        let m = Double(registers.count)
        var sum = 0.0, zeros = 0.0
        for rank in registers {
            sum += Double(sign: .plus, exponent: -Int(rank), significand: 1)
            if rank == 0 { zeros += 1 }
        }
        let raw = 0.7213 / (1 + 1.079 / m) * m * m / sum
        return raw <= 2.5 * m && zeros > 0 ? m * log(m / zeros) : raw
    }

    // MARK: Bytes: number of hashes UInt16 and the hashes UInt64, or 0xffff and the registers UInt8

    func write(to bytes: inout [UInt8]) {
        guard registers.isEmpty else {
            bytes.append(UInt16.max)
            bytes.append(contentsOf: registers)
            return
        }
        bytes.append(UInt16(hashes.count))
        for hash in hashes { bytes.append(hash) }
    }

    /// `shape`: `values` or `entities`.
    init?(_ reader: inout ByteReader, _ shape: DistinctSketch) {
        self = shape
        guard let count = reader.read(UInt16.self) else { return nil }
        if count == .max {
            guard let registers = reader.read(count: 1 << bits), registers.allSatisfy({ $0 <= 65 - bits }) else { return nil }
            self.registers = registers
            return
        }
        guard count <= exactLimit else { return nil }
        for _ in 0..<count {
            guard let hash = reader.read(UInt64.self), hashes.last.map({ $0 < hash }) ?? true else { return nil }
            hashes.append(hash)
        }
    }
}
