public import FeatureStore
public import Serving
internal import Synchronization

/// A store of two shards with customers, categories and the shop as a whole, and services that fall back from one to the next.
public final class LeveledStore: Sendable {
    public static let noon: Int64 = 1_767_268_800_000_000  // 2026-01-01T12:00:00Z
    public let store: Store
    private let directory = TemporaryDirectory()
    private let offsets = Mutex([Int64](repeating: 0, count: 2))

    static let yaml = """
        version: 1
        name: shop
        entities:
          customer: {}
          category: {cache: {max_age: 2s, max_entries: 3}}
          shop: {singleton: true}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer, category: category}
            time: {path: time, format: epoch_us}
            id: id
            allowed_lateness: 1h
            fields: {product: string, price: {type: decimal, scale: 2}}
        views:
          of_customer:
            entity: customer
            stream: clicks
            windows: [lifetime]
            features:
              clicks: {aggregation: count, default: 0}
              price: {aggregation: mean, field: price}
              cheapest: {aggregation: min, field: price}
              last_product: {aggregation: last, field: product}
          of_category:
            entity: category
            stream: clicks
            windows: [lifetime]
            features:
              category_price: {aggregation: mean, field: price}
              cheapest: {aggregation: min, field: price}
              top: {aggregation: top_k, field: product, k: 2}
          of_shop:
            entity: shop
            stream: clicks
            windows: [lifetime, 1h]
            features:
              views: {aggregation: count}
              price: {aggregation: mean, field: price}
              top: {aggregation: top_k, field: product, k: 2}
        inputs: {page_category: string}
        services:
          offers:
            entity: customer
            fallback: [{entity: category, key: page_category}, {level: everyone, entity: shop}]
            deadline: 50ms
            features:
              - {name: price_lifetime, fallback: {category: category_price_lifetime, everyone: price_lifetime}, default: -1, clip: [0, 100]}
              - {name: cheapest_lifetime, fallback: {category: cheapest_lifetime}, default: 9.99}
              - clicks_lifetime
          context: {entity: customer, features: [page_category, clicks_lifetime, {name: last_product_lifetime, default: none}]}
          trending: {entity: shop, features: [views_1h, top_lifetime]}
          shelf: {entity: category, features: [cheapest_lifetime, top_lifetime]}
        """

    public init() throws {
        var definitions = try Definitions.load(yaml: Self.yaml, file: "shop.yaml")
        definitions.store.directory = directory.path
        definitions.store.initialMapBytes = 1 << 20
        store = Store(definitions)
        store.setPartitionCounts(["clicks": 2])
        for number in 0..<2 { _ = try store.openShard(number) }
    }

    deinit { store.closeAll() }

    public struct Click: Sendable {
        var customer: String, category: String, product: String
        /// Cents; nil: null.
        var price: Int64?
        var time: Int64, id: UInt64
        public init(_ customer: String, _ category: String, _ product: String, _ price: Int64?, at time: Int64 = noon, id: UInt64) {
            (self.customer, self.category, self.product, self.price, self.time, self.id) = (customer, category, product, price, time, id)
        }
    }

    /// Applies each to the shard of its customer, in one batch per shard.
    public func apply(_ clicks: [Click]) throws {
        for number in 0..<2 {
            let own = clicks.filter { click in Array(click.customer.utf8).withUnsafeBytes { Partitioner.murmur2.partition(of: $0, count: 2) } == number }
            let batch = EventBatch()
            for click in own {
                let values = batch.reserveValues(4)
                for (i, text) in [click.customer, click.category, click.product].enumerated() {
                    let room = batch.store(byteCount: text.utf8.count)
                    room.copyBytes(from: text.utf8)
                    values[i] = .string(UnsafeRawBufferPointer(room))
                }
                values[3] = click.price.map { .integer($0) } ?? .null
                batch.append(stream: 0, time: click.time, id: click.id, valueCount: 4)
            }
            let next = offsets.withLock { offsets in
                offsets[number] += Int64(own.count)
                return offsets[number]
            }
            var progress = BatchProgress(streamCount: 1)
            progress.positions[0] = .init(nextOffset: next, newestRecordTime: Self.noon)
            let shard = store.shards[number]
            try shard.apply(batch, progress)
            shard.noteEnd(stream: 0, end: next)
        }
    }

    /// Keeps the store as long as it is used.
    public var source: LookupSource {
        var source = LookupSource(store: store)
        let read = source.lookup
        source.lookup = { [self] (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
            try withExtendedLifetime(self) { () throws(LookupError) in try read(plan, key, asOf, maxStaleness, &vector) }
        }
        return source
    }

    public func lookup(_ features: [String], _ key: String, at time: Int64 = noon) throws -> Vector {
        let plan = try store.plan(features: features)
        return try Array(key.utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: time, maxStaleness: nil) }
    }
}
