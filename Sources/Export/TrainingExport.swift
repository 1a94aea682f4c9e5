public import FeatureStore
public import Ingest
internal import Synchronization

/// Joins a list of (entity, time) with the vectors that would have been served, from the logs, larger than memory.
///
///     let export = try TrainingExport(definitions, options)     // reads the request list
///     try export.take(batch, origins)                           // every event of the logs, again and again
///     let summary = try export.finish { progress in ... }       // replays and writes
///
/// The requests are sorted into buckets by their entity, and so are the events of those entities; then each bucket is replayed by itself,
/// with the editor that the server applies events with and the reader that it answers lookups with. docs/EXPORT.md says what is equal to what.
public final class TrainingExport {
    private static let bucketCount = 128
    /// A bucket that is too large for its share is split into so many, again and again.
    private static let splitCount = 16
    private static let maxSplits = 5

    private let options: ExportOptions
    private let plan: ExportPlan
    private let layout: OutputLayout
    private let inputs: InputColumns
    private let keys: KeyFilter
    private let requests: ByteSpool
    private let events: ByteSpool
    /// The last time that anything is asked of: later events matter for acceptance and labels only.
    private let newestRequest: Int64
    /// By stream: `max_clock_skew`.
    private let skews: [Microseconds]
    private var record = RecordWriter()
    private var summary = ExportSummary()
    private var logEnd = Int64.min
    private var origins: [EventOrigin] = []
    /// Of the requested entities, those that are erased according to the store or to the logs.
    private var erased: Set<[UInt8]> = []
    /// Whether the logs have the topic of erasures.
    public private(set) var hasReadErasures = false
    /// Events of chunks so far: their order where the log has no offsets.
    private var read: Int64 = 0

    public init(
        _ definitions: Definitions, _ options: ExportOptions, progress: (ExportProgress) -> Void = { _ in }
    ) throws(ExportError) {
        self.options = options
        guard definitions.streams.count <= EventCodec.maxStreams else {
            throw ExportError("there are \(definitions.streams.count) streams", remedy: "an export takes \(EventCodec.maxStreams)")
        }
        skews = definitions.streams.map(\.maxClockSkew)
        let plan = try ExportPlan(definitions, what: options.features, labels: options.labels)
        let keys = KeyFilter(memoryBytes: options.memoryBytes / 8)
        let requests = ByteSpool(
            bucketCount: Self.bucketCount, memoryBytes: options.memoryBytes / 8, directory: options.temporaryDirectory)
        events = ByteSpool(
            bucketCount: Self.bucketCount, memoryBytes: options.memoryBytes / 4, directory: options.temporaryDirectory)

        var reader = try RequestReader(options.requests, entity: plan.vector.entity)
        let inputs = try InputColumns(plan, reader.columns.map(\.name))
        var newest = Int64.min
        var record = RecordWriter()
        var erased: Set<[UInt8]> = []
        while try reader.next() {
            let key = reader.key, row = reader.rowCount - 1
            newest = Swift.max(newest, reader.time)
            let cells = try inputs.spooled(reader.cells, row: row)
            try key.withBytes { key throws(ExportError) in
                let hash = XXHash64.hash(key)
                // Of whoever was erased no event is kept, so the row is that of somebody unknown. A filter that is full may let some through.
                if try Self.isErased(key, options) { erased.insert(Array(key)) } else { keys.insert(hash) }
                RequestCodec.write(row: row, time: reader.time, key: key, cells: cells, into: &record)
                try requests.append(record.bytes, to: ByteSpool.bucket(of: hash, level: 0, count: Self.bucketCount))
            }
            if row & 0xffff == 0 { progress(.init(phase: .readingRequests, done: reader.bytesRead, total: reader.byteCount)) }
        }
        (self.plan, self.inputs, self.keys, self.requests) = (plan, inputs, keys, requests)
        newestRequest = newest
        summary.rows = reader.rowCount
        summary.entities = keys.count
        self.erased = erased
        summary.erased = erased.count
        let columns = reader.columns
        let passed = inputs.passed.map { columns[$0] }
        layout = OutputLayout(
            entity: plan.vector.entity, keyName: reader.keyName, timeName: options.requests.timeColumn,
            timeFormat: options.requests.timeFormat, passed: passed,
            features: zip(plan.vector.featureNames, plan.vector.types).map { .init(name: $0, type: $1) }, columns: plan.vector.columns,
            labels: plan.labels.map { .init(name: $0.definition.name, type: $0.by < 0 ? $0.type : .map($0.type)) },
            hasStatus: options.hasStatus, rowCount: reader.rowCount, longestKey: reader.longestKey, service: plan.vector.service,
            version: plan.vector.version, isAsKnown: options.isAsKnown)
        try layout.check()
    }

    private static func isErased(_ key: UnsafeRawBufferPointer, _ options: ExportOptions) throws(ExportError) -> Bool {
        guard let isErased = options.isErased else { return false }
        do { return try isErased(key) } catch { throw ExportError("the store's tombstones cannot be read: \(error)", remedy: "check `store.directory`") }
    }

    private func noteErasure(_ values: UnsafePointer<FieldValue>) {
        hasReadErasures = true
        guard values[1].kind == .string, values[1].bytes.elementsEqual(plan.vector.entity.utf8) else { return }
        let key = values[0].bytes
        guard keys.contains(XXHash64.hash(key)), erased.insert(Array(key)).inserted else { return }
        summary.erased += 1
    }

    /// Indexes in `Definitions.streams` of the streams whose logs the export needs.
    public var streams: [Int] { plan.streams.indices.filter { plan.streams[$0] != nil } }

    /// Takes decoded events with their origins; those of entities that nobody asks for are let go. Within a partition of a stream, events
    /// come in the order of the log, or carry it in `EventOrigin.order`.
    public func take(_ batch: EventBatch, _ origins: UnsafeBufferPointer<EventOrigin>) throws(ExportError) {
        precondition(origins.count == batch.eventCount, "each event has its origin")
        for i in 0..<batch.eventCount {
            let event = batch.events[i], origin = origins[i]
            if Int(event.stream) == plan.erasureStream {
                noteErasure(batch.values + Int(event.firstValue))
                continue
            }
            if origin.recordTime >= 0, event.time > origin.recordTime + skews[Int(event.stream)] {
                if plan.streams[Int(event.stream)] != nil { summary.dropped[Int(DropReason.future.rawValue)] += 1 }
                continue
            }
            logEnd = Swift.max(logEnd, event.time)
            guard let use = plan.streams[Int(event.stream)] else { continue }
            summary.eventsRead += 1
            if options.isAsKnown {
                guard origin.recordTime >= 0 else {
                    throw ExportError(
                        "an event of the stream `\(plan.definitions.streams[Int(event.stream)].name)` has no broker timestamp",
                        remedy: "--as-known needs logs that carry it (docs/EXPORT.md); without it the export goes by event time")
                }
                // Not arrived at any time that is asked for.
                if origin.recordTime > newestRequest, plan.labels.isEmpty { continue }
            }
            let values = batch.values + Int(event.firstValue)
            let key = values[use.keyIndex].bytes
            let hash = XXHash64.hash(key)
            guard keys.contains(hash) else { continue }
            summary.eventsKept += 1
            // By event time, an event after the last request is there to decide about others.
            let isRead = use.readsFields && (options.isAsKnown || event.time <= newestRequest || !use.labels.isEmpty)
            let fields = UnsafeBufferPointer(start: values + use.keyCount, count: use.fieldCount)
            EventCodec.write(event, origin, key: key, fields: isRead ? fields : nil, into: &record)
            try events.append(record.bytes, to: ByteSpool.bucket(of: hash, level: 0, count: Self.bucketCount))
        }
    }

    /// Takes what a pipeline has read of the logs.
    public func take(_ chunk: LogChunk) throws(ExportError) {
        origins.removeAll(keepingCapacity: true)
        for i in 0..<chunk.batch.eventCount {
            let offset = chunk.offsets[i]
            origins.append(EventOrigin(
                partition: chunk.partitions[i], recordTime: chunk.recordTimes[i], order: offset >= 0 ? offset : read + Int64(i),
                isOffset: offset >= 0))
        }
        read += Int64(chunk.batch.eventCount)
        for drop in chunk.drops where drop.stream < 0 || plan.streams[Int(drop.stream)] != nil {
            summary.dropped[Int(drop.reason.rawValue)] += 1
        }
        summary.faults += chunk.faults
        try origins.withUnsafeBufferPointer { origins throws(ExportError) in try take(chunk.batch, origins) }
    }

    // MARK: Replay

    /// Replays the buckets on `options.threads` threads, then writes the rows in the order of the request list.
    public func finish(progress: @escaping @Sendable (ExportProgress) -> Void = { _ in }) throws(ExportError) -> ExportSummary {
        let writer = try makeWriter()
        let results = ResultRuns(memoryBytes: options.memoryBytes / 8, directory: options.temporaryDirectory)
        summary.spilledBytes = requests.spilledBytes + events.spilledBytes
        summary.logEnd = logEnd == .min ? nil : logEnd
        let work = ReplayWork(total: layout.rowCount)
        let threads = Swift.max(1, options.threads)
        let share = Swift.max(1 << 12, options.memoryBytes / (4 * threads))
        let (plan, inputs, layout, logEnd, format) = (plan, inputs, layout, logEnd, options.format)
        let (requests, events, directory, erased) = (requests, events, options.temporaryDirectory, erased)
        let workers = (0..<threads).map { number in
            WorkerThread("export-\(number)") {
                let replay = BucketReplay(
                    plan: plan, inputs: inputs, layout: layout, logEnd: logEnd, encoder: Self.encoder(format, layout), erased: erased)
                do {
                    while let bucket = work.nextBucket(of: Self.bucketCount) {
                        try Self.replay(
                            requests, events, bucket, level: 0, share: share, directory: directory, replay, results, work, progress)
                    }
                } catch { work.fail(error) }
                work.add(replay.counts)
            }
        }
        for worker in workers { worker.join() }
        if let failure = work.failure { throw failure }
        summary.replay = work.counts
        var written = 0
        try results.merge { row throws(ExportError) in
            try writer.write(row)
            written += 1
            if written & 0xfff == 0 { progress(.init(phase: .writing, done: written, total: layout.rowCount)) }
        }
        try writer.finish()
        progress(.init(phase: .writing, done: written, total: layout.rowCount))
        return summary
    }

    /// One bucket; one that is larger than its share of the memory is split by other bits of the hash first.
    private static func replay(
        _ requests: ByteSpool, _ events: ByteSpool, _ bucket: Int, level: Int, share: Int, directory: String,
        _ replay: BucketReplay, _ results: ResultRuns, _ work: ReplayWork, _ progress: (ExportProgress) -> Void
    ) throws {
        let size = requests.byteCount(of: bucket) + events.byteCount(of: bucket)
        if size > share / 2, level < maxSplits {
            let split = (
                ByteSpool(bucketCount: splitCount, memoryBytes: share / 8, directory: directory),
                ByteSpool(bucketCount: splitCount, memoryBytes: share / 4, directory: directory))
            try requests.drain(bucket) { record throws(ExportError) in
                let hash = XXHash64.hash(RequestCodec.View(base: record.baseAddress!).key)
                try split.0.append(record, to: ByteSpool.bucket(of: hash, level: level + 1, count: splitCount))
            }
            try events.drain(bucket) { record throws(ExportError) in
                let hash = XXHash64.hash(EventCodec.View(base: record.baseAddress!).key)
                try split.1.append(record, to: ByteSpool.bucket(of: hash, level: level + 1, count: splitCount))
            }
            // One entity alone cannot be split.
            let isOne = (0..<splitCount).contains { split.0.byteCount(of: $0) + split.1.byteCount(of: $0) == size }
            for part in 0..<splitCount {
                try Self.replay(
                    split.0, split.1, part, level: isOne ? maxSplits : level + 1, share: share, directory: directory, replay, results,
                    work, progress)
            }
            return
        }
        let asked = try requests.take(bucket)
        defer { asked.deallocate() }
        let came = try events.take(bucket)
        defer { came.deallocate() }
        guard let run = try replay.run(requests: UnsafeRawBufferPointer(asked), events: UnsafeRawBufferPointer(came)) else { return }
        progress(.init(phase: .replaying, done: work.note(rows: run.rowCount), total: work.total))
        try results.add(run)
    }

    // MARK: Formats

    private static func encoder(_ format: ExportOptions.Format, _ layout: OutputLayout) -> any RowEncoder {
        switch format {
        case .csv: CSVEncoder(layout)
        case .ndjson: NDJSONEncoder(layout)
        case .avro: AvroEncoder(layout)
        case .numpy: PackedEncoder(layout)
        }
    }

    private func makeWriter() throws(ExportError) -> any RowWriter {
        switch options.format {
        case .csv: try PlainWriter(OutputFile(path: options.output), header: CSVEncoder.header(layout))
        case .ndjson: try PlainWriter(OutputFile(path: options.output))
        case .avro: try AvroWriter(OutputFile(path: options.output), schema: AvroEncoder.schema(layout))
        case .numpy: try PackedWriter(path: options.output, layout: layout)
        }
    }
}
