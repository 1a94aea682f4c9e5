import Ingest
import TestSupport
import Testing

/// The memory that records of all shards take, simulated: a polling thread that delivers what it may, and shards that work at their own pace.
struct IngestBudgetTests {
    private struct Simulation {
        var budget: IngestBudget
        var random: SeededGenerator
        var held: [Int: Int]
        var done: [Int: Int] = [:]
        var paused: Set<Int> = []
        /// The record that each shard reads next.
        var next: [Int: Int] = [:]
        var awaiting: Set<Int> = []
        var most = 0
        var largest = 0

        init(limit: Int, shards: Int, seed: UInt64) {
            budget = IngestBudget(limitBytes: limit)
            random = SeededGenerator(seed: seed)
            held = Dictionary(uniqueKeysWithValues: (0..<shards).map { ($0, 0) })
        }

        /// One poll. `size` is what the next record of a shard takes; the poll expects `expected`.
        mutating func poll(expected: Int, favourite: Int, size: (inout SeededGenerator) -> Int) {
            budget.update(held)
            for shard in held.keys {
                if budget.mustPause(shard) { paused.insert(shard) } else if paused.contains(shard), budget.mayResume(shard) { paused.remove(shard) }
            }
            for shard in paused { #expect(held[shard]! > 0 || awaiting.contains(shard), "a shard that holds nothing was paused") }
            let reading = held.keys.filter { !paused.contains($0) }.sorted()
            var count = reading.isEmpty ? 0 : max(1, budget.sureRoom(reading: reading) / expected)
            var refused: Set<Int> = []
            while count > 0, let shard = reading.contains(favourite) && random.one(in: 2) ? favourite : reading.isEmpty ? nil : random.pick(reading) {
                count -= 1
                if refused.contains(shard) { continue }
                let cost = next[shard] ?? size(&random)
                if budget.admit(cost, shard: shard) {
                    held[shard]! += cost
                    next[shard] = nil
                    largest = max(largest, cost)
                    if awaiting.remove(shard) != nil { budget.await(nil, shard: shard) }
                } else {
                    next[shard] = cost
                    refused.insert(shard)
                    awaiting.insert(shard)
                    budget.await(cost, shard: shard)
                }
            }
            most = max(most, held.values.reduce(0, +))
        }

        mutating func work(_ shard: Int) {
            let batch = min(held[shard]!, max(budget.share, 1))
            held[shard]! -= batch
            done[shard, default: 0] += batch
        }
    }

    @Test(arguments: [1, 2, 7, 64, 200], [1, 2, 3])
    func neverMoreThanTheLimitAndNobodyStarves(shards: Int, seed: UInt64) {
        var simulation = Simulation(limit: 8 << 20, shards: shards, seed: seed &* 1_000 &+ UInt64(shards))
        for round in 0..<3_000 {
            simulation.poll(expected: 600, favourite: 1 % shards) { random in
                // Most are as large as expected; a few are a thousand times larger.
                random.one(in: 200) ? random.int(1...600_000) : 600
            }
            // Shard 0 stands still for a while.
            for shard in 0..<shards where !(shard == 0 && round < 1_500) && simulation.random.one(in: 3) { simulation.work(shard) }
        }
        #expect(simulation.most <= 8 << 20)
        #expect((0..<shards).allSatisfy { (simulation.done[$0] ?? 0) > 0 })
    }

    @Test func aRecordLargerThanEverythingComesThroughWhenThePoolIsEmpty() {
        let limit = 1 << 20
        var simulation = Simulation(limit: limit, shards: 4, seed: 5)
        for round in 0..<2_000 {
            simulation.poll(expected: 600, favourite: 1) { random in random.one(in: 500) ? 3 << 20 : 600 }
            for shard in 0..<4 where simulation.random.one(in: 3) && !(shard == 0 && round < 10) { simulation.work(shard) }
        }
        #expect(simulation.largest == 3 << 20)
        #expect(simulation.most <= limit / 2 + simulation.largest)
        #expect((0..<4).allSatisfy { (simulation.done[$0] ?? 0) > limit })
    }

    @Test func withMoreShardsNobodyTakesTheRoomOfThoseThatHoldMoreThanTheirNewShare() {
        var budget = IngestBudget(limitBytes: 1_000)
        budget.update([0: 0])
        let first = budget.admit(900, shard: 0)
        budget.update([0: 900, 1: 0, 2: 0, 3: 0, 4: 0])
        let second = budget.admit(90, shard: 1), third = budget.admit(90, shard: 2)
        #expect(first && second && !third)
        #expect(budget.total == 990)
    }
}
