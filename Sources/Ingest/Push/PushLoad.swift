public import FeatureStore
internal import Kafka

/// Pushes files: reads them as a backfill reads logs, and produces every row to the topic of one pushed view.
///
/// Pushing a file twice does no harm: of each feature the newest value counts, once. So a broken file ends it where it is broken, and the
/// corrected one is pushed from its beginning.
public final class PushLoad {
    public struct Outcome: Sendable {
        public var pushed: Int64 = 0
        /// Rows that never became events, and those whose time is too far in the future.
        public var dropped = StreamCounts()
        /// The first of them in words.
        public var faults: [LogFault] = []
        public var progress = Backfill.Progress()
        /// The newest record of each partition.
        public var offsets: [SourceOffset] = []
        public var isInterrupted = false
    }

    private let definitions: Definitions
    private let index: Int
    private let pipeline: LogPipeline

    /// - Parameters:
    ///   - view: one of `Definitions.pushed`.
    ///   - time: of rows whose files say none; µs since the epoch. Nil: they say it.
    public init(_ definitions: Definitions, view: String, logs: LogOptions, time: Int64? = nil) throws(LogError) {
        guard let index = definitions.pushedStream(view) else {
            let known = definitions.pushed.map(\.name)
            throw LogError(
                "there are no pushed features `\(view)`",
                remedy: known.isEmpty ? "declare them under `pushed:`" : "there are \(known.joined(separator: ", "))")
        }
        self.index = index
        self.definitions = definitions
        // The pipeline knows this stream alone: a record of another one is none of ours.
        var reading = definitions
        reading.streams = [definitions.streams[index]]
        var logs = logs
        logs.stream = view
        if let time {
            reading.streams[0].time = EventTime(path: nil, format: .kafka)
            logs.recordTime = time
        }
        pipeline = try LogPipeline(definitions: reading, descriptorSets: [nil], options: logs)
    }

    /// Blocks until all rows are acknowledged by the brokers.
    public func run(
        now: Int64, isInterrupted: () -> Bool = { false }, progress: (Backfill.Progress) -> Void = { _ in }
    ) throws -> Outcome {
        let producer = try PushProducer(definitions)
        defer { producer.stop() }
        let stream = definitions.streams[index]
        let partitions = try producer.partitionCount(stream.topic)
        let delivery = Delivery()
        var outcome = Outcome()
        outcome.progress.totalBytes = pipeline.totalBytes
        try pipeline.run { chunk in
            let counts = chunk.dropped(streamCount: 1)[0]
            for (reason, count) in counts.enumerated() { outcome.dropped.dropped[reason] += count }
            outcome.faults += chunk.faults
            let future = try producer.produce(
                chunk.batch, stream: index, partitions: partitions, notAfter: now + stream.maxClockSkew, delivery)
            outcome.dropped.dropped[Int(DropReason.future.rawValue)] += UInt64(future)
            outcome.pushed += Int64(chunk.batch.eventCount - future)
            outcome.progress.records += Int64(chunk.records)
            outcome.progress.bytesRead = chunk.bytesRead
            outcome.progress.decompressedBytes += Int64(chunk.byteCount)
            progress(outcome.progress)
            outcome.isInterrupted = isInterrupted()
            return !outcome.isInterrupted && delivery.error == nil
        }
        let waiting = producer.flush()
        if let error = delivery.error { throw PushError.delivery("\(error)") }
        if waiting > 0 { throw PushError.delivery("\(waiting) rows were not acknowledged in time") }
        outcome.offsets = PushProducer.offsets(of: delivery)
        return outcome
    }
}
