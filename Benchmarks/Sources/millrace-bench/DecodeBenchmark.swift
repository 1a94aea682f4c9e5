internal import FeatureStore
internal import Generator

/// JSON bytes to events, batch by batch as the shard's thread does it.
enum DecodeBenchmark {
    static func run(_ arguments: Arguments, _ results: Results) throws {
        let count = try arguments.int("events", 500_000)
        let definitions = try arguments.definitions(store: "unused")
        let decoders = try Shop.decoders(definitions)
        var generator = ShopGenerator(try Shop.options(arguments, events: count))
        var event = GeneratedEvent()
        var bytes: [UInt8] = []
        var ends: [(end: Int, stream: Int)] = []
        for _ in 0..<count {
            generator.next(into: &event)
            bytes.append(contentsOf: event.payload)
            ends.append((bytes.count, decoders.stream(of: event.kind)))
        }
        let batch = EventBatch()
        var costs: [Double] = []
        var allocated: UInt64?
        try bytes.withUnsafeBytes { bytes in
            for _ in 0...(try arguments.int("rounds", 5)) {
                let before = Allocations.count
                let cost = try Cost.of { try decodeAll(bytes, ends, decoders, batch) }
                costs.append(cost.cpu / Double(count) * 1e9)
                allocated = before.flatMap { before in Allocations.count.map { $0 - before } }
            }
        }
        // The first round fills the batch's memory.
        let each = median(Array(costs.dropFirst()))
        print("decode: JSON \(fixed(each, 0)) ns an event of \(fixed(Double(bytes.count) / Double(count), 0)) bytes")
        results.add("decode.json_ns", each)
        if let allocated {
            print("decode: allocations per event \(fixed(Double(allocated) / Double(count), 4))")
            results.add("decode.allocations", Double(allocated) / Double(count))
        }
    }

    private static func decodeAll(
        _ bytes: UnsafeRawBufferPointer, _ ends: [(end: Int, stream: Int)], _ decoders: Shop, _ batch: EventBatch
    ) throws {
        var start = 0
        batch.reset()
        for (end, stream) in ends {
            if batch.eventCount == 10_000 { batch.reset() }
            let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard case .event = decoders[stream].decode(payload, recordTime: -1, into: batch) else {
                throw Arguments.Problem("an event at byte \(start) does not decode")
            }
            start = end
        }
    }
}
