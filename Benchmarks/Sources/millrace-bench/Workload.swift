internal import FeatureStore
internal import Generator
internal import Ingest

/// The generator's clicks and purchases, cut into batches as ingest would hand them to a shard.
///
/// `decode` makes a batch's events right before they are applied, as the shard's thread does, so that they are as warm in the
/// processor's caches as there; it is not part of what is timed. Strings of events point into the payloads, which stay in memory
/// as long as this does.
final class Workload {
    /// One batch, and what bare LMDB needs to touch the same rows in the same order.
    struct Batch {
        fileprivate var payloads: Range<Int>
        var progress: BatchProgress
        /// The row key of each event, ordered as the shard visits them: by key, then by arrival.
        var keys: [UnsafeRawBufferPointer]
        /// How many different keys.
        var rows: Int
        var eventCount: Int { payloads.count }
    }

    private(set) var batches: [Batch] = []
    let eventCount: Int
    /// The batch that was decoded last.
    let events = EventBatch()
    private let decoders: Shop
    private var payloads: [(bytes: UnsafeRawBufferPointer, stream: Int)] = []
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var used = 0

    init(_ arguments: Arguments, events count: Int) throws {
        eventCount = count
        let definitions = try arguments.definitions(store: "unused")
        decoders = try Shop.decoders(definitions)
        let batchSize = try arguments.int("batch", 50_000)
        var generator = ShopGenerator(try Shop.options(arguments, events: count))
        var event = GeneratedEvent()
        var offsets = [Int64](repeating: 0, count: definitions.streams.count)
        var made = 0
        while made < count {
            let size = min(batchSize, count - made)
            var customers: [UnsafeRawBufferPointer] = []
            for _ in 0..<size {
                generator.next(into: &event)
                let stream = decoders.stream(of: event.kind)
                payloads.append((event.payload.withUnsafeBytes { keep($0) }, stream))
                customers.append(event.customer.withUnsafeBytes { keep($0) })
                offsets[stream] += 1
            }
            var progress = BatchProgress(streamCount: definitions.streams.count)
            for (stream, offset) in offsets.enumerated() {
                progress.positions[stream] = .init(nextOffset: offset, newestRecordTime: event.eventTimeMicros)
            }
            batches.append(ordered(made..<made + size, progress, customers))
            made += size
        }
    }

    deinit { for chunk in chunks { chunk.deallocate() } }

    /// Fills `events` with a batch.
    func decode(_ batch: Batch) throws {
        events.reset()
        for index in batch.payloads {
            let (bytes, stream) = payloads[index]
            guard case .event = decoders[stream].decode(bytes, recordTime: -1, into: events) else {
                throw Arguments.Problem("the definitions do not fit the generator's events: use Examples/shop/millrace.yaml")
            }
        }
    }

    private func ordered(
        _ payloads: Range<Int>, _ progress: BatchProgress, _ customers: [UnsafeRawBufferPointer]
    ) -> Batch {
        var keys = customers
        keys.sort { $0.lexicographicallyPrecedes($1) }
        var rows = 0
        var previous = UnsafeRawBufferPointer(start: nil, count: 0)
        var last = previous
        for (index, key) in keys.enumerated() {
            if index == 0 || !key.elementsEqual(previous) {
                rows += 1
                last = keep(key, prefix: 1)
            }
            previous = key
            keys[index] = last
        }
        return Batch(payloads: payloads, progress: progress, keys: keys, rows: rows)
    }

    /// A copy that lives as long as the workload, with room for a row key's first byte when there is a prefix.
    private func keep(_ bytes: UnsafeRawBufferPointer, prefix: UInt8? = nil) -> UnsafeRawBufferPointer {
        let size = bytes.count + (prefix == nil ? 0 : 1)
        if chunks.isEmpty || used + size > chunks[chunks.count - 1].count {
            chunks.append(.allocate(byteCount: max(16 << 20, size), alignment: 16))
            used = 0
        }
        let room = UnsafeMutableRawBufferPointer(rebasing: chunks[chunks.count - 1][used..<used + size])
        if let prefix { room[0] = prefix }
        UnsafeMutableRawBufferPointer(rebasing: room[(size - bytes.count)...]).copyMemory(from: bytes)
        used += size
        return UnsafeRawBufferPointer(room)
    }
}

/// The example's streams and the generator's settings, the same for every benchmark.
struct Shop {
    private let clicks: Int
    private let purchases: Int
    private let decoders: [EventDecoder]

    static func decoders(_ definitions: Definitions) throws -> Shop {
        guard let clicks = definitions.streams.firstIndex(where: { $0.name == "clicks" }),
            let purchases = definitions.streams.firstIndex(where: { $0.name == "purchases" })
        else { throw Arguments.Problem("the definitions have no streams named `clicks` and `purchases`") }
        return Shop(
            clicks: clicks, purchases: purchases,
            decoders: try definitions.streams.enumerated().map { index, stream in
                try EventDecoder(stream: stream, index: Int32(index), descriptorSet: nil)
            })
    }

    func stream(of kind: GeneratedEvent.Kind) -> Int { kind == .click ? clicks : purchases }
    subscript(stream: Int) -> EventDecoder { decoders[stream] }

    /// `events` spread over --days of event time; with `endingAt`, up to that moment.
    static func options(_ arguments: Arguments, events: Int, endingAt end: Int64? = nil) throws -> GeneratorOptions {
        var options = GeneratorOptions()
        let seconds = Double(try arguments.int("days", 14)) * 86_400
        options.seed = UInt64(try arguments.int("seed", 1))
        options.customers = try arguments.int("customers", 100_000)
        options.zipfExponent = try arguments.number("skew", 0.8)
        options.eventsPerSecond = Double(events) / seconds
        // Broken events would only be dropped; they are the tests' affair.
        options.malformedShare = 0
        if let end { options.start = end - Int64(seconds * 1e6) }
        return options
    }
}
