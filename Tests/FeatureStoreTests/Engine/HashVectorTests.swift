import FeatureStore
import Testing

/// The hashes against values that others publish: they are part of the row format, of what producers do and of the semantics.
@Suite struct HashVectors {
    /// From the xxHash project and its Python binding.
    @Test(arguments: [
        ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
        ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
    ] as [(String, UInt64)])
    func `xxHash64 of text`(text: String, expected: UInt64) {
        #expect(Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) } == expected)
    }

    @Test(arguments: [0, 1, -1, 1 << 40, .max] as [Int64])
    func `xxHash64 of an integer is that of its eight little-endian bytes`(value: Int64) {
        #expect(XXHash64.hash(value) == withUnsafeBytes(of: value.littleEndian) { XXHash64.hash($0) })
    }

    /// From Kafka's UtilsTest.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ] as [(String, Int32)])
    func `murmur2 as Java clients compute it`(key: String, expected: Int32) {
        // With 2^31 partitions the partition is the hash without its sign bit.
        #expect(partition(.murmur2, key, 1 << 31) == Int(expected & 0x7fff_ffff))
        #expect(partition(.murmur2, key, 12) == Int(expected & 0x7fff_ffff) % 12)
    }

    /// The check value of CRC-32/ISO-HDLC.
    @Test func `crc32 as librdkafka computes it`() {
        #expect(partition(.consistent, "123456789", 0xffff_ffff) == 0xcbf4_3926)
        #expect(partition(.consistent, "123456789", 7) == 0xcbf4_3926 % 7)
        #expect(partition(.consistent, "", 7) == 0)
    }

    /// From the FNV authors' test suite; Sarama takes the absolute value of the signed remainder.
    @Test(arguments: [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] as [(String, UInt32)])
    func `fnv1a as Sarama computes it`(key: String, expected: UInt32) {
        #expect(partition(.fnv1a, key, 100) == Int(abs(Int32(bitPattern: expected) % 100)))
        #expect(partition(.fnv1a, key, Int(Int32.max)) == Int(abs(Int32(bitPattern: expected) % Int32.max)))
    }

    private func partition(_ partitioner: Partitioner, _ key: String, _ count: Int) -> Int {
        Array(key.utf8).withUnsafeBytes { partitioner.partition(of: $0, count: count) }
    }
}
