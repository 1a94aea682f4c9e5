import Ingest
import TestSupport
import Testing

/// The memory that records of all shards take, simulated: a polling thread that delivers what it may, and shards that work at their own pace.
struct IngestBudgetTests {
    @Test(arguments: [1, 2, 7, 64], [1, 2, 3])
    func neverMoreThanTheLimitAndNobodyStarves(shards: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed &* 1_000 &+ UInt64(shards))
        let budget = IngestBudget(limitBytes: 8 << 20)
        var held = [Int](repeating: 0, count: shards), done = held
        var paused = Set<Int>()
        // Shard 0 is slow, or stands still for a while; shard 1 gets most of the records.
        let record = 600
        var most = 0, starved = false
        for round in 0..<6_000 {
            let total = held.reduce(0, +)
            for shard in 0..<shards {
                if budget.mustPause(held: held[shard], total: total, shards: shards) {
                    paused.insert(shard)
                } else if paused.contains(shard), budget.mayResume(held: held[shard], total: total, shards: shards) {
                    paused.remove(shard)
                }
            }
            if paused.contains(where: { held[$0] == 0 }) { starved = true }
            let ready = (0..<shards).filter { !paused.contains($0) }
            if !ready.isEmpty {
                let count = budget.pollRecords(total: total, shards: shards, largest: record, atMost: 10_000)
                let favourite = ready.contains(1 % shards) && !random.one(in: 4) ? 1 % shards : random.pick(ready)
                held[favourite] += random.int(1...count) * record
            }
            most = max(most, held.reduce(0, +))
            for shard in 0..<shards where held[shard] > 0 && !(shard == 0 && round < 3_000) {
                guard random.one(in: 3) else { continue }
                let share = min(held[shard], budget.share(shards: shards))
                held[shard] -= share
                done[shard] += share
            }
        }
        #expect(most <= budget.limitBytes)
        #expect(!starved, "a shard that holds nothing was paused")
        #expect(done.allSatisfy { $0 > 0 })
    }

    @Test func oneLargeRecordStillComesThrough() {
        let budget = IngestBudget(limitBytes: 1 << 20)
        #expect(budget.pollRecords(total: 0, shards: 1_000, largest: 50 << 20, atMost: 10_000) == 1)
    }
}
