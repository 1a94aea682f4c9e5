public import FeatureStore
public import Serving

/// A store with one customer's clicks: five at noon, one an hour before, one of them twice, one from the future.
public final class ExplainedStore: Sendable {
    public static let noon: Int64 = 1_767_268_800_000_000  // 2026-01-01T12:00:00Z
    public let store: Store
    private let directory = TemporaryDirectory()

    public init() throws {
        var settings = StoreSettings()
        settings.directory = directory.path
        settings.initialMapBytes = 1 << 20
        var definitions = Definitions(
            name: "explained", entities: [.init(name: "customer")],
            streams: [.init(
                name: "clicks", topic: "clicks", keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: .init("id"), allowedLateness: .days(2),
                fields: [.init(name: "price", type: .decimal(scale: 2))])],
            views: [.init(name: "of_customer", entity: "customer", stream: "clicks", filter: "price > 1", features: [
                .init(name: "clicks_10m", aggregation: .count(field: nil), window: .sliding(length: .minutes(10), hop: .minutes(1))),
                .init(name: "spend_10m", aggregation: .sum(field: "price"), window: .sliding(length: .minutes(10), hop: .minutes(1))),
                .init(name: "clicks_2h", aggregation: .count(field: nil), window: .sliding(length: .hours(2), hop: .minutes(1))),
            ])],
            derived: [.init(name: "mean_10m", entity: "customer", expression: "spend_10m / max(clicks_10m, 1)")],
            services: [.init(name: "homepage", version: 2, entity: "customer", features: ["clicks_10m", "mean_10m"])], store: settings)
        // Tests hold lookups up on event loops that others share.
        definitions.server.maxWait = .seconds(60)
        store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        let batch = EventBatch()
        let key = batch.store(byteCount: 2)
        key.copyBytes(from: "c1".utf8)
        func click(_ time: Int64, id: UInt64) {
            let values = batch.reserveValues(2)
            values[0] = .string(UnsafeRawBufferPointer(key))
            values[1] = .integer(250)
            batch.append(stream: 0, time: time, id: id, valueCount: 2)
        }
        click(Self.noon - .hours(1), id: 9)
        for i in 0..<5 as Range<Int64> { click(Self.noon + .seconds(i * 25), id: UInt64(i)) }
        click(Self.noon, id: 0)
        click(Self.noon + .days(10), id: 10)
        batch.markLastFuture()
        var progress = BatchProgress(streamCount: 1)
        progress.positions[0] = .init(nextOffset: 8, newestRecordTime: Self.noon)
        progress.drop(.future, stream: 0)
        try shard.apply(batch, progress)
        shard.noteEnd(stream: 0, end: 8)
    }

    deinit { store.closeAll() }

    public var service: LookupService { LookupService(source: LookupSource(store: store)) }
    public static let asked: Int64 = noon + .seconds(110)
}
