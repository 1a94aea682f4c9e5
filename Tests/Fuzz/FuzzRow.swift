internal import FeatureStore

/// Stored rows, damaged in any way: taking one over and reading it gives `CorruptRow` or values; a row that was taken over can be written
/// and is then whole.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    row.run(input: UnsafeRawBufferPointer(start: data, count: count))
    return 0
}

nonisolated(unsafe) private let row = RowTarget()

/// One entity with every aggregation, over tiles and over events, and two streams: with ids and without. The second retracts the first's events.
private final class RowTarget {
    private let catalog: Catalog
    private let plan: EntityPlan
    private let read: ReadPlan
    private let editor: RowEditor
    private var whole: [UInt8] = []
    private static let noon: Int64 = 1_700_000_000_000_000
    /// Of two elements, for ever.
    private static let vector: FieldValue = {
        let elements = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        elements.storeBytes(of: 1 << 50, as: Int64.self)
        elements.storeBytes(of: -7, toByteOffset: 8, as: Int64.self)
        return .vector(UnsafeRawBufferPointer(elements))
    }()

    init() {
        let minutes = Window.sliding(length: .minutes(5), hop: .seconds(5)), day = Window.sliding(length: .days(1), hop: .minutes(15))
        let exact = Window.sliding(length: .days(1), hop: Window.exactHop)
        let aggregations: [Aggregation] = [
            .count(field: nil), .count(field: "s"), .sum(field: "n"), .mean(field: "n"), .min(field: "n"), .max(field: "n"),
            .first(field: "n"), .first(field: "s"), .last(field: "n"), .last(field: "s"), .lastN(field: "s", n: 3, distinct: true),
            .lastN(field: "n", n: 3, distinct: false), .distinctCount(field: "s"), .countBy(by: "s", maxKeys: 2),
            .sumBy(field: "n", by: "s", maxKeys: 2), .timeSinceLast,
            .timeSinceFirst, .deviation(field: "n"), .percentile(field: "n", percent: 95_000, accuracy: 100, maxBuckets: 2),
            .topK(field: "s", k: 1, maxKeys: 2), .decayedCount(field: "s", halfLife: .hours(1)), .decayedSum(field: "n", halfLife: .hours(1)),
            .sessionCount(gap: .minutes(30)), .sessionLength(gap: .minutes(30)), .bounceRate(gap: .minutes(1)), .streak,
            .mean(field: "v"), .last(field: "v"),
        ]
        func stream(_ name: String, id: FieldPath?, _ retracts: RetractionDefinition? = nil) -> StreamDefinition {
            .init(
                name: name, topic: name, keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: id, maxIDsPerRow: 4,
                fields: [.init(name: "n", type: .decimal(scale: 2)), .init(name: "s", type: .string), .init(name: "v", type: .vector(dimension: 2, scale: 2))],
                retracts: retracts)
        }
        func view(_ name: String, _ stream: String, _ windows: [Window], _ aggregations: [Aggregation], history: Int64) -> ViewDefinition {
            var features: [FeatureDefinition] = []
            for aggregation in aggregations {
                for window in windows {
                    features.append(.init(name: "\(name)_\(features.count)", aggregation: aggregation, window: window, ttl: .hours(1)))
                }
            }
            return .init(name: name, entity: "customer", stream: stream, history: history, features: features)
        }
        var events = view("events", "a", [exact, day, .lifetime], aggregations, history: 0)
        events.keep = .events(max: 3)
        var attributed = view("attributed", "a", [exact], [.sum(field: "n"), .conversion], history: 0)
        attributed.keep = .events(max: 2)
        attributed.attribution = .init(stream: "b", match: "s", within: .days(1), maxEvents: 2)
        catalog = Catalog(Definitions(
            name: "fuzz", entities: [.init(name: "customer")],
            streams: [stream("a", id: FieldPath("id")), stream("b", id: nil, .init(stream: "a", field: "s"))],
            views: [
                view("all", "a", [minutes, day, .lifetime], aggregations, history: .hours(1)),
                view("few", "b", [minutes], [.sum(field: "n"), .timeSinceLast], history: 0), events, attributed,
            ]))
        plan = catalog.entities[0]
        read = ReadPlan(features: Array(catalog.features.indices), catalog: catalog, entity: 0)
        editor = RowEditor(plan: plan)
        for (i, text) in ["hat", "shoe", "a longer string", "hat"].enumerated() {
            try? whole.withUnsafeBytes { row throws in try editor.begin(row.isEmpty ? nil : row) }
            Array(text.utf8).withUnsafeBytes { text in
                let values = [FieldValue.string(text), .integer(Int64(i) * 77), .string(text), Self.vector]
                values.withUnsafeBufferPointer { values in
                    for stream in 0...1 {
                        let time = Self.noon - Int64(3 - i) * .minutes(200)
                        _ = editor.apply(stream: stream, time: time, id: UInt64(i), values: values.baseAddress!)
                    }
                    if let row = editor.finish() { whole = Array(row) }
                }
            }
        }
    }

    func run(input: UnsafeRawBufferPointer) {
        guard input.count > 3, input[0] == 0xff else { return run(input) }
        // A copy of exactly its length, so that the address sanitizer sees a read past its end.
        let changed = UnsafeMutableRawBufferPointer.allocate(byteCount: whole.count, alignment: 16)
        defer { changed.deallocate() }
        changed.copyBytes(from: whole)
        let start = Int(input[1]) << 8 | Int(input[2])
        for (i, byte) in input[3...].enumerated() { changed[(start + i) % whole.count] ^= byte }
        run(UnsafeRawBufferPointer(changed))
    }

    private func run(_ row: UnsafeRawBufferPointer) {
        readAll(row)
        guard (try? editor.begin(row)) != nil else { return }
        var text = (UInt64(0x6168), UInt64(0))
        var written: [UInt8]?
        withUnsafeBytes(of: &text) { text in
            let string = FieldValue.string(UnsafeRawBufferPointer(rebasing: text[..<3]))
            let values = [string, .integer(1 << 42), string, Self.vector]
            values.withUnsafeBufferPointer { values in
                for (stream, id) in [(0, 7), (1, 8), (0, 9)] as [(Int, UInt64)] {
                    _ = editor.apply(stream: stream, time: Self.noon + Int64(id), id: id, values: values.baseAddress!)
                }
                written = editor.finish().map { Array($0) }
            }
        }
        guard let written else { return }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: written.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: written)
        do { try editor.begin(UnsafeRawBufferPointer(copy)) } catch { fatalError("a row that was written is refused: \(error)") }
        readAll(UnsafeRawBufferPointer(copy))
    }

    private func readAll(_ row: UnsafeRawBufferPointer) {
        for time in [Self.noon, Self.noon + .days(2), Store.validTimes.lowerBound, Store.validTimes.upperBound] {
            _ = try? RowReader.values(read, rows: [.init(bytes: row, plan: plan)], at: time)
        }
    }
}
