internal import Synchronization

/// Picks, of the entities whose rows batches touch, those that monitoring looks at, and keeps their keys until it does.
///
/// An entity is picked by a hash of its key and the minute of its event: each has the same chance whatever the number of its events, and in
/// each minute it is another sample. The apply path pays one hash an event and one lock a batch; what is picked (a few hundred a second at
/// most) is copied. Threads of any shards offer, one takes.
public final class EntitySampler: Sendable {
    package struct Pick: Sendable {
        /// Index into `Catalog.entities`.
        package var entity: Int
        package var key: [UInt8]
        /// Of the key alone.
        package var hash: UInt64
        /// µs since the epoch: of the newest event of the batch that touched the row.
        package var time: Int64
    }

    /// More than so many never wait; from one batch at most a quarter of it is taken.
    package static let maxWaiting = 4096

    private struct State {
        var waiting: [Pick] = []
        /// Picked lately, so that an entity counts once a minute: hash of key and minute, at a place that it says itself.
        var recent = [UInt64](repeating: 0, count: 8192)
        var picked: UInt64 = 0
        var leftOut: UInt64 = 0
    }

    private let state = Mutex(State())
    /// What is below it is picked.
    private let bound = Atomic<UInt64>(.max)
    /// By stream: the positions of its keys and the entities that they name.
    private let keys: [[(position: Int, entity: Int)]]
    /// By stream: the singletons that it describes.
    private let singletons: [[Int]]
    private let singletonKeys: [Int: (key: [UInt8], hash: UInt64)]

    /// `entities`: indexes of those that are watched.
    package init(_ catalog: Catalog, entities: Set<Int>) {
        let streams = catalog.definitions.streams
        var keys = [[(position: Int, entity: Int)]](repeating: [], count: streams.count)
        var singletons = [[Int]](repeating: [], count: streams.count)
        var singletonKeys: [Int: (key: [UInt8], hash: UInt64)] = [:]
        for entity in catalog.entities where entities.contains(entity.index) {
            for stream in entity.streams {
                if entity.isSingleton { singletons[stream.index].append(entity.index) } else { keys[stream.index].append((stream.keyIndex, entity.index)) }
            }
            if entity.isSingleton {
                let key = Array(entity.name.utf8)
                singletonKeys[entity.index] = (key, key.withUnsafeBytes { XXHash64.hash($0) })
            }
        }
        self.keys = keys
        self.singletons = singletons
        self.singletonKeys = singletonKeys
    }

    /// Share of the entities (of a minute) that are picked.
    package var share: Double { Double(bound.load(ordering: .relaxed)) / Double(UInt64.max) }
    package func setShare(_ share: Double) {
        bound.store(share >= 1 ? .max : UInt64(max(share, 0) * Double(UInt64.max)), ordering: .relaxed)
    }

    /// Called by a shard's thread after a batch has been committed, while its bytes are still there.
    package func offer(_ batch: EventBatch) {
        guard batch.eventCount > 0 else { return }
        let bound = bound.load(ordering: .relaxed)
        var picks: [Pick] = []
        var newest: [Int: Int64] = [:]
        // Newest first: the row is then read as of the entity's newest event.
        for index in stride(from: batch.eventCount - 1, through: 0, by: -1) {
            let event = batch.events[index]
            guard !event.isFuture else { continue }
            let stream = Int(event.stream)
            let minute = event.time / 60_000_000
            for (position, entity) in keys[stream] {
                let key = batch.values[Int(event.firstValue) + position].bytes
                let hash = XXHash64.hash(key)
                guard SampleHash.of(hash, entity, minute) <= bound else { continue }
                picks.append(Pick(entity: entity, key: Array(key), hash: hash, time: event.time))
            }
            for entity in singletons[stream] where (newest[entity] ?? .min) < event.time { newest[entity] = event.time }
            if picks.count >= Self.maxWaiting / 4 { break }
        }
        for (entity, time) in newest {
            if let (key, hash) = singletonKeys[entity] { picks.append(Pick(entity: entity, key: key, hash: hash, time: time)) }
        }
        if !picks.isEmpty { keep(picks) }
    }

    private func keep(_ picks: [Pick]) {
        state.withLock { state in
            for pick in picks {
                let mark = SampleHash.of(pick.hash, pick.entity, pick.time / 60_000_000)
                let place = Int(mark >> 32) & (state.recent.count - 1)
                if state.recent[place] == mark { continue }
                state.recent[place] = mark
                state.picked += 1
                if state.waiting.count < Self.maxWaiting { state.waiting.append(pick) } else { state.leftOut += 1 }
            }
        }
    }

    /// What waits, and how many were picked and left out since the last call.
    package func take() -> (picks: [Pick], picked: UInt64, leftOut: UInt64) {
        state.withLock { state in
            defer {
                state.waiting = []
                (state.picked, state.leftOut) = (0, 0)
            }
            return (state.waiting, state.picked, state.leftOut)
        }
    }
}

/// The hash that decides who is looked at.
package enum SampleHash {
    /// SplitMix64's finisher.
    @inline(__always)
    package static func mix(_ word: UInt64) -> UInt64 {
        var z = word &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    @inline(__always)
    package static func of(_ key: UInt64, _ entity: Int, _ minute: Int64) -> UInt64 {
        mix(key ^ UInt64(bitPattern: minute) &* 0xD6E8_FEB8_6659_FD93 &+ UInt64(entity))
    }
}
