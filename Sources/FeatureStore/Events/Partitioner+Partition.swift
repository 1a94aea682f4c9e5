extension Partitioner {
    /// The partition to which a producer with this partitioner sends `key`. O(bytes of key).
    public func partition(of key: UnsafeRawBufferPointer, count: Int) -> Int {
        switch self {
        case .murmur2: Int(Self.murmur2(key) & 0x7fff_ffff) % count
        case .consistent: Int(Self.crc32(key) % UInt32(count))
        case .fnv1a:
            // Sarama takes the remainder of the *signed* hash and then its absolute value.
            Int(abs(Int32(bitPattern: Self.fnv1a(key)) % Int32(count)))
        }
    }

    /// MurmurHash2, 32 bit, with the seed of Kafka's Java clients (org.apache.kafka.common.utils.Utils.murmur2).
    static func murmur2(_ key: UnsafeRawBufferPointer) -> UInt32 {
        let m: UInt32 = 0x5bd1_e995
        var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: key.count)
        var at = 0
        while at + 4 <= key.count {
            var k = UInt32(littleEndian: key.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            k = k &* m
            k ^= k >> 24
            k = k &* m
            h = (h &* m) ^ k
            at += 4
        }
        let rest = key.count - at
        if rest >= 3 { h ^= UInt32(key[at + 2]) << 16 }
        if rest >= 2 { h ^= UInt32(key[at + 1]) << 8 }
        if rest >= 1 {
            h ^= UInt32(key[at])
            h = h &* m
        }
        h = (h ^ (h >> 13)) &* m
        return h ^ (h >> 15)
    }

    /// CRC-32 (IEEE 802.3), as librdkafka's `consistent` partitioners use it.
    static func crc32(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var crc: UInt32 = 0xffff_ffff
        for byte in key { crc = crcTable[Int((crc ^ UInt32(byte)) & 0xff)] ^ (crc >> 8) }
        return ~crc
    }

    private static let crcTable: [UInt32] = (0..<256).map { n in
        (0..<8).reduce(UInt32(n)) { c, _ in c & 1 == 1 ? 0xedb8_8320 ^ (c >> 1) : c >> 1 }
    }

    static func fnv1a(_ key: UnsafeRawBufferPointer) -> UInt32 {
        key.reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}
