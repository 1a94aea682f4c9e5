internal import FeatureStore
internal import Kafka

/// Sorts the events of chunks by shard, until a round of them is applied.
///
/// The thread that reads the pipeline uses it.
final class BackfillRouter {
    private struct StreamFacts {
        var maxClockSkew: Microseconds
        var partitioner: Partitioner
        var partitionCount: Int
        var isPartitioned: Bool
        /// An erasure goes to every shard, where the log does not say which one read it.
        var isErasures: Bool
    }

    private let definitions: Definitions
    private let facts: [StreamFacts]
    private let shardCount: Int
    /// How far each shard had come before this run.
    private let applied: [LogPosition]
    /// With a cut-over time the live stream begins anew and takes its half by the time, so positions would only lead it past events.
    private let keepsPositions: Bool
    /// By stream and partition: offsets from here on are left out; .max: none are.
    private let ends: [[Int64]]
    private var skipped: BackfillMark.Skipped
    /// The first record of a source partition was seen.
    private var begun: Set<[Int32]> = []

    /// Filled here; a round that is being applied belongs to the applier.
    private(set) var round: BackfillRound
    private var spare: BackfillRound?

    init(
        _ definitions: Definitions, _ shards: [Shard], _ marks: [BackfillMark], _ partitionCounts: [String: Int], until: Int64?,
        before ends: [TopicPartition: Int64]
    ) {
        self.definitions = definitions
        shardCount = shards.count
        applied = marks.map(\.position)
        skipped = marks[0].skipped
        let keepsPositions = until == nil
        self.keepsPositions = keepsPositions
        self.ends = definitions.streams.map { stream in
            (0..<(partitionCounts[stream.topic] ?? 1)).map { number in
                keepsPositions ? ends[TopicPartition(topic: stream.topic, partition: number)] ?? .max : .max
            }
        }
        facts = definitions.streams.map { stream in
            StreamFacts(
                maxClockSkew: stream.maxClockSkew, partitioner: stream.partitioner, partitionCount: partitionCounts[stream.topic] ?? 1,
                isPartitioned: stream.partitioned, isErasures: stream.isErasures)
        }
        round = BackfillRound(shardCount: shards.count, streamCount: definitions.streams.count)
        spare = BackfillRound(shardCount: shards.count, streamCount: definitions.streams.count)
    }

    var roundBytes: Int { round.bytes }

    /// The round so far; the next one is filled in `other`, which is not in use.
    func exchange(for other: BackfillRound?) -> BackfillRound {
        let full = round
        round = other ?? spare!
        if other == nil { spare = nil }
        return full
    }

    func take(_ chunk: LogChunk, _ outcome: inout Backfill.Outcome) throws(BackfillError) {
        outcome.progress.bytesRead = chunk.bytesRead
        outcome.progress.records += Int64(chunk.records)
        outcome.progress.decompressedBytes += Int64(chunk.byteCount)
        outcome.faults += chunk.faults
        round.add(chunk)
        try notePositions(chunk, &outcome)
        let batch = chunk.batch
        for n in 0..<batch.eventCount {
            let event = batch.events[n]
            let stream = Int(event.stream)
            let fact = facts[stream]
            let end = n + 1 < batch.eventCount ? Int(batch.events[n + 1].firstValue) : batch.valueCount
            let values = batch.values + Int(event.firstValue)
            let belongs = fact.partitioner.partition(of: values[0].bytes, count: fact.partitionCount)
            var number = belongs
            if chunk.partitions[n] >= 0 {
                number = Int(chunk.partitions[n])
                if fact.isPartitioned, number != belongs { outcome.partitionMismatches += 1 }
            }
            let count = end - Int(event.firstValue)
            if fact.isErasures, chunk.partitions[n] < 0 {
                erase(chunk, event, values, count)
                continue
            }
            if isApplied(chunk, number) || isBeyond(chunk.offsets[n], stream, chunk.partitions[n]) { continue }
            let part = round.parts[number]
            part.batch.reserveValues(count).update(from: values, count: count)
            part.batch.append(stream: event.stream, time: event.time, id: event.id, valueCount: count)
            let recordTime = chunk.recordTimes[n]
            if recordTime >= 0, event.time > recordTime + fact.maxClockSkew {
                part.batch.markLastFuture()
                part.progress.drop(.future, stream: stream)
            }
        }
        takeDrops(chunk)
        for number in 0..<shardCount where !isApplied(chunk, number) {
            round.parts[number].progress.mark = BackfillMark(position: chunk.position, skipped: skipped)
        }
    }

    /// Of a log without partitions: whoever was erased is erased in every shard.
    private func erase(_ chunk: LogChunk, _ event: EventRecord, _ values: UnsafeMutablePointer<FieldValue>, _ count: Int) {
        for number in 0..<shardCount where !isApplied(chunk, number) {
            let batch = round.parts[number].batch
            batch.reserveValues(count).update(from: values, count: count)
            batch.append(stream: event.stream, time: event.time, id: event.id, valueCount: count)
        }
    }

    /// Chunks end where shards stood, so a chunk is behind a shard whole or not at all.
    @inline(__always)
    private func isApplied(_ chunk: LogChunk, _ shard: Int) -> Bool { chunk.position <= applied[shard] }

    @inline(__always)
    private func isBeyond(_ offset: Int64, _ stream: Int, _ partition: Int32) -> Bool {
        offset >= 0 && partition >= 0 && offset >= ends[stream][Int(partition)]
    }

    /// Records that are no events count in the shard of their partition; in the first one when nothing says which.
    private func takeDrops(_ chunk: LogChunk) {
        for drop in chunk.drops where drop.stream >= 0 {
            let number = drop.partition >= 0 ? Int(drop.partition) : 0
            if isBeyond(drop.offset, Int(drop.stream), drop.partition) { continue }
            if !isApplied(chunk, number) { round.parts[number].progress.drop(drop.reason, stream: Int(drop.stream)) }
        }
        guard !isApplied(chunk, 0) else { return }
        skipped.noStream += UInt64(chunk.drops.count { $0.stream < 0 })
        skipped.otherTopics += UInt64(chunk.otherTopics)
        skipped.outside += chunk.outside.reduce(0, +)
    }

    private func notePositions(_ chunk: LogChunk, _ outcome: inout Backfill.Outcome) throws(BackfillError) {
        for span in chunk.spans {
            let stream = Int(span.stream), number = Int(span.partition), topic = definitions.streams[stream].topic
            guard number < facts[stream].partitionCount else {
                throw .noSuchPartition(topic: topic, partition: number, count: facts[stream].partitionCount, path: chunk.path)
            }
            if isApplied(chunk, number) { continue }
            if begun.insert([span.stream, span.partition]).inserted, applied[number] == .start, span.first > 0 {
                outcome.beginnings.append(.init(topic: topic, partition: number, count: span.first))
            }
            if span.missing > 0 {
                if let known = outcome.gaps.firstIndex(where: { $0.topic == topic && $0.partition == number }) {
                    outcome.gaps[known].count += span.missing
                } else {
                    outcome.gaps.append(.init(topic: topic, partition: number, count: span.missing))
                }
            }
            guard keepsPositions else { continue }
            let part = round.parts[number]
            let newest = max(part.progress.positions[stream]?.newestRecordTime ?? 0, span.newestRecordTime)
            part.progress.positions[stream] = .init(
                nextOffset: min(span.last + 1, ends[stream][number]), newestRecordTime: newest)
        }
    }
}

extension BackfillMark {
    init(position: LogPosition, skipped: Skipped) {
        self.init(file: Int64(position.file), offset: position.offset, line: position.line, skipped: skipped)
    }

    var position: LogPosition { LogPosition(file: Int(file), offset: offset, line: line) }
}

/// What is applied at once: a batch per shard, and the chunks whose memory its strings lie in.
final class BackfillRound: @unchecked Sendable {
    final class Part {
        let batch = EventBatch(eventCapacity: 4096)
        var progress: BatchProgress
        init(streamCount: Int) { progress = BatchProgress(streamCount: streamCount) }
    }

    let parts: [Part]
    private var chunks: [LogChunk] = []
    private(set) var bytes = 0

    init(shardCount: Int, streamCount: Int) { parts = (0..<shardCount).map { _ in Part(streamCount: streamCount) } }

    var isEmpty: Bool { chunks.isEmpty }

    func add(_ chunk: LogChunk) {
        chunks.append(chunk)
        bytes += chunk.byteCount
    }

    func reset() {
        for part in parts {
            part.batch.reset()
            part.progress.reset()
        }
        chunks.removeAll(keepingCapacity: true)
        bytes = 0
    }
}
