/// xxHash64, the 64-bit hash that names event ids, distinct values and map keys. It is part of the row format.
///
/// Source: Yann Collet's xxHash specification (XXH64). O(n), about 1 ns per 8 bytes.
public enum XXHash64 {
    private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always) private static func rotl(_ x: UInt64, _ r: UInt64) -> UInt64 { (x << r) | (x >> (64 - r)) }
    @inline(__always) private static func round(_ acc: UInt64, _ input: UInt64) -> UInt64 {
        rotl(acc &+ input &* p2, 31) &* p1
    }
    @inline(__always) private static func merge(_ acc: UInt64, _ value: UInt64) -> UInt64 {
        (acc ^ round(0, value)) &* p1 &+ p4
    }

    public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var rest = bytes.count
        guard var at = bytes.baseAddress else { return avalanche(seed &+ p5) }
        @inline(__always) func word64() -> UInt64 {
            defer { at += 8 }
            return UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
        }
        var h: UInt64
        if rest >= 32 {
            var v1 = seed &+ p1 &+ p2, v2 = seed &+ p2, v3 = seed, v4 = seed &- p1
            while rest >= 32 {
                v1 = round(v1, word64())
                v2 = round(v2, word64())
                v3 = round(v3, word64())
                v4 = round(v4, word64())
                rest -= 32
            }
            h = rotl(v1, 1) &+ rotl(v2, 7) &+ rotl(v3, 12) &+ rotl(v4, 18)
            h = merge(merge(merge(merge(h, v1), v2), v3), v4)
        } else {
            h = seed &+ p5
        }
        h &+= UInt64(bytes.count)
        while rest >= 8 {
            h = rotl(h ^ round(0, word64()), 27) &* p1 &+ p4
            rest -= 8
        }
        if rest >= 4 {
            h = rotl(h ^ (UInt64(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self))) &* p1), 23) &* p2 &+ p3
            at += 4
            rest -= 4
        }
        while rest > 0 {
            h = rotl(h ^ (UInt64(at.load(as: UInt8.self)) &* p5), 11) &* p1
            at += 1
            rest -= 1
        }
        return avalanche(h)
    }

    /// Of the eight little-endian bytes of `value`.
    public static func hash(_ value: Int64, seed: UInt64 = 0) -> UInt64 {
        var h = seed &+ p5 &+ 8
        h = rotl(h ^ round(0, UInt64(bitPattern: value)), 27) &* p1 &+ p4
        return avalanche(h)
    }

    @inline(__always) private static func avalanche(_ x: UInt64) -> UInt64 {
        var h = x
        h = (h ^ (h >> 33)) &* p2
        h = (h ^ (h >> 29)) &* p3
        return h ^ (h >> 32)
    }
}
