import FeatureStore

/// Small definitions, batches of events and views of what a shard holds.
enum ShardFixture {
    static let noon: Int64 = 1_700_000_000_000_000

    /// Clicks with ids; each describes a customer and a product. Only customers have views.
    static func definitions(_ directory: String, durability: StoreSettings.Durability = .commit) -> Definitions {
        var store = StoreSettings()
        store.directory = directory
        store.durability = durability
        store.initialMapBytes = 1 << 20
        return Definitions(
            name: "shop", entities: [.init(name: "customer"), .init(name: "product")],
            streams: [.init(
                name: "clicks", topic: "clicks",
                keys: [.init(entity: "customer", path: .init("customer")), .init(entity: "product", path: .init("product"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: .init("id"), allowedLateness: .hours(1),
                fields: [.init(name: "price", type: .decimal(scale: 2)), .init(name: "category", type: .string)])],
            views: [view("clicks_of_customer")], store: store)
    }

    static func view(_ name: String, entity: String = "customer", filter: String? = nil) -> ViewDefinition {
        ViewDefinition(
            name: name, entity: entity, stream: "clicks", filter: filter,
            features: [
                .init(name: "\(name)_n_1h", aggregation: .count(field: nil), window: .sliding(length: .hours(1), hop: .minutes(1))),
                .init(name: "\(name)_n", aggregation: .count(field: nil), window: .lifetime),
                .init(name: "\(name)_sum", aggregation: .sum(field: "price"), window: .lifetime),
                .init(name: "\(name)_categories", aggregation: .countBy(by: "category", maxKeys: 8), window: .lifetime),
                .init(name: "\(name)_last", aggregation: .last(field: "category"), window: .lifetime),
            ])
    }

    struct Click {
        var customer: String
        var product = "p"
        var time: Int64
        var id: UInt64
        var price: Int64 = 100
        var category = "shoes"
    }

    static func batch(_ clicks: [Click]) -> EventBatch {
        let batch = EventBatch(eventCapacity: 16)
        for click in clicks { append(click, to: batch) }
        return batch
    }

    static func append(_ click: Click, to batch: EventBatch) {
        let values = batch.reserveValues(4)
        values[0] = text(click.customer, in: batch)
        values[1] = text(click.product, in: batch)
        values[2] = .integer(click.price)
        values[3] = text(click.category, in: batch)
        batch.append(stream: 0, time: click.time, id: click.id, valueCount: 4)
    }

    static func text(_ text: String, in batch: EventBatch) -> FieldValue {
        let room = batch.store(byteCount: text.utf8.count)
        room.copyBytes(from: text.utf8)
        return .string(UnsafeRawBufferPointer(room))
    }

    static func progress(next: Int64, recordTime: Int64 = noon) -> BatchProgress {
        var progress = BatchProgress(streamCount: 1)
        progress.positions[0] = .init(nextOffset: next, newestRecordTime: recordTime)
        return progress
    }

    /// Every row of an entity, by key.
    static func rows(_ shard: Shard, entity: Int = 0) throws -> [String: [UInt8]] {
        var rows: [String: [UInt8]] = [:]
        try shard.forEachRow(entity: entity) { key, row in
            rows[String(decoding: key, as: UTF8.self)] = Array(row)
            return true
        }
        return rows
    }

    static func lookup(_ store: Store, _ features: [String], _ key: String, at time: Int64) throws -> Vector {
        let plan = try store.plan(features: features)
        return try Array(key.utf8).withUnsafeBytes { bytes throws in try store.lookup(plan, key: bytes, asOf: time) }
    }
}
