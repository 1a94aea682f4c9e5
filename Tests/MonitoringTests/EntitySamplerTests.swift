import FeatureStore
import TestSupport
import Testing

@Suite struct EntitySamplerTests {
    /// `events`: key and time in µs, in the order of arrival.
    private func offered(_ sampler: EntitySampler, _ events: [(String, Int64)]) -> [EntitySampler.Pick] {
        let batch = EventBatch()
        for (key, time) in events {
            let values = batch.reserveValues(3)
            let room = batch.store(byteCount: key.utf8.count)
            room.copyBytes(from: key.utf8)
            values[0] = .string(UnsafeRawBufferPointer(room))
            batch.append(stream: 0, time: time, id: 1, valueCount: 3)
        }
        sampler.offer(batch)
        return sampler.take().picks
    }

    private func sampler() throws -> EntitySampler {
        let catalog = Catalog(try Definitions.load(yaml: FeatureMonitorTests.yaml, file: "small.yaml"))
        return EntitySampler(catalog, entities: [0])
    }

    private static let start: Int64 = 1_800_000_000_000_000

    @Test func anEntityIsPickedOnceAMinuteAsOfItsNewestEvent() throws {
        let sampler = try sampler()
        let picks = offered(sampler, [("a", Self.start), ("b", Self.start + 1), ("a", Self.start + 2)])
        #expect(picks.map { String(decoding: $0.key, as: UTF8.self) } == ["a", "b"] && picks[0].time == Self.start + 2)
        #expect(offered(sampler, [("a", Self.start + 3)]).isEmpty)
        #expect(offered(sampler, [("a", Self.start + .minutes(1))]).count == 1)
    }

    @Test func theShareIsOfEntitiesWhateverTheNumberOfTheirEventsAndAnotherSampleEachMinute() throws {
        let sampler = try sampler()
        sampler.setShare(0.2)
        var picked: [[String]] = []
        for minute in 0..<2 {
            var of: [String] = []
            for busy in [1, 5] {
                for part in 0..<20 {
                    let events = (0..<busy).flatMap { _ in (0..<100).map { ("k\(busy)-\(part)-\($0)", Self.start + .minutes(Int64(minute)) + Int64(part)) } }
                    of += offered(sampler, events).map { String(decoding: $0.key, as: UTF8.self) }
                }
            }
            for prefix in ["k1", "k5"] { #expect((320...480).contains(of.count { $0.hasPrefix(prefix) }), "\(of.count { $0.hasPrefix(prefix) })") }
            picked.append(of)
        }
        #expect(Set(picked[0]).intersection(picked[1]).count < 250)
    }

    @Test func whatWaitsIsBounded() throws {
        let sampler = try sampler()
        let batch = EventBatch()
        for round in 0..<8 {
            batch.reset()
            for n in 0..<2_000 {
                let values = batch.reserveValues(3)
                let room = batch.store(byteCount: 8)
                room.storeBytes(of: UInt64(round * 2_000 + n), as: UInt64.self)
                values[0] = .string(UnsafeRawBufferPointer(room))
                batch.append(stream: 0, time: Self.start, id: 1, valueCount: 3)
            }
            sampler.offer(batch)
        }
        let (picks, picked, leftOut) = sampler.take()
        #expect(picks.count == EntitySampler.maxWaiting && picked == UInt64(picks.count) + leftOut && leftOut > 1_000)
        #expect(sampler.take().picks.isEmpty)
    }
}
