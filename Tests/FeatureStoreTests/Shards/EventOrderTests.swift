import FeatureStore
import Testing

@Suite struct EventOrderTests {
    /// Keys that share prefixes, end in zeros, are empty beyond eight bytes, of all lengths; small batches and those sorted by radix.
    @Test(arguments: [1, 2, 500, 511, 512, 513, 5_000]) func ordersByKeyThenArrival(_ count: Int) {
        var random = SystemRandomNumberGenerator()
        for alphabet in [[UInt8](0...255), [0, 1], Array("ab".utf8)] {
            for common in [0, 3, 8, 12] {
                let batch = EventBatch()
                var keys: [[UInt8]] = []
                for _ in 0..<count {
                    let rest = (0..<Int.random(in: common == 0 ? 1...12 : 0...6, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
                    keys.append(Array(repeating: 99, count: common) + rest)
                    let key = keys[keys.count - 1]
                    let room = batch.store(byteCount: key.count)
                    room.copyBytes(from: key)
                    // Stream 1 does not have the entity.
                    let stream: Int32 = keys.count % 7 == 0 ? 1 : 0
                    batch.reserveValues(1)[0] = .string(UnsafeRawBufferPointer(room))
                    batch.append(stream: stream, time: 0, id: 0, valueCount: 1)
                }
                let expected = keys.indices.filter { ($0 + 1) % 7 != 0 }.sorted { a, b in
                    keys[a].lexicographicallyPrecedes(keys[b]) || (keys[a] == keys[b] && a < b)
                }
                var order = EventOrder()
                for _ in 0..<2 {
                    order.withSorted(batch, keyIndexes: [0, -1]) { sorted in
                        #expect((0..<sorted.count).map { sorted[$0] } == expected)
                    }
                }
            }
        }
    }
}
