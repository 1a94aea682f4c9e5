import FeatureStore
import Foundation
import Generator
import Ingest
import Monitoring
import TestSupport

/// Weeks of the imagined shop, as fast as they can be computed: generated events through the decoder, a shard, the sampler and a
/// `FeatureMonitor`, with a clock that follows the events.
final class SimulatedShop {
    /// What happens to the prices of events within a span of event time.
    struct Fault {
        enum Kind { case scale(Int64), nulls, stuck(Int64) }
        var kind: Kind
        var hours: Range<Int>
    }

    static let yaml = """
        version: 1
        name: shop
        entities:
          customer: {}
          shop: {singleton: true}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id}
            time: {path: event_time, format: epoch_ms}
            id: event_id
            fields:
              category: {type: string, path: product.category}
              price: {type: decimal, scale: 2, path: product.price}
              device: string
          purchases:
            topic: purchases
            keys: {customer: customer_id}
            time: {path: ordered_at, format: rfc3339}
            id: order_id
            fields:
              amount: {type: decimal, scale: 2}
        views:
          recent:
            entity: customer
            stream: clicks
            windows: [5m, 1h, 24h]
            features:
              clicks: {aggregation: count}
              price_seen: {aggregation: mean, field: price}
          last:
            entity: customer
            stream: clicks
            windows: [24h]
            features:
              last_price: {aggregation: last, field: price}
              last_category: {aggregation: last, field: category}
          orders:
            entity: customer
            stream: purchases
            windows: [24h]
            features:
              spend: {aggregation: sum, field: amount}
          of_shop:
            entity: shop
            stream: clicks
            windows: [1h]
            features:
              shop_clicks: {aggregation: count}
              shop_price: {aggregation: mean, field: price}
        """

    private let directory = TemporaryDirectory()
    let definitions: Definitions
    let store: Store
    let watched: Watched
    let hours: HourStore
    let monitor: FeatureMonitor
    let settings: MonitoringSettings
    private let shard: Shard
    private let sampler: EntitySampler
    private let decoders: [EventDecoder]
    private let batch = EventBatch()
    private var generator: ShopGenerator
    private var event = GeneratedEvent()
    private var offsets: [Int64]
    private var payloads: [[UInt8]] = []
    private let pricePosition: Int
    let firstHour: Int

    private(set) var notices: [AlertNotice] = []
    var fault: Fault?

    /// `eventsPerSecond`: the weekly average.
    init(seed: UInt64, eventsPerSecond: Double = 0.4, settings: MonitoringSettings = .init()) throws {
        var definitions = try Definitions.load(yaml: Self.yaml, file: "shop.yaml")
        definitions.store.directory = directory.path
        definitions.store.durability = .replay
        self.definitions = definitions
        self.settings = settings
        store = Store(definitions)
        store.setPartitionCounts(["clicks": 1, "purchases": 1])
        shard = try store.openShard(0)
        watched = Watched(store, settings)
        hours = try HourStore(storeDirectory: directory.path)
        monitor = try FeatureMonitor(watched, settings, store: hours)
        sampler = EntitySampler(store.catalog, entities: Set(watched.entities.map(\.index)))
        decoders = try definitions.streams.enumerated().map { try EventDecoder(stream: $1, index: Int32($0), descriptorSet: nil) }
        var options = GeneratorOptions()
        options.seed = seed
        options.customers = 3_000
        options.zipfExponent = 0.6
        options.eventsPerSecond = eventsPerSecond
        generator = ShopGenerator(options)
        offsets = [0, 0]
        pricePosition = definitions.streams[0].keys.count + definitions.streams[0].fields.firstIndex { $0.name == "price" }!
        firstHour = FeatureMonitor.hour(of: options.start)
        monitor.onAlert = { [unowned self] in notices.append($0) }
    }

    deinit {
        hours.close()
        store.closeAll()
    }

    /// Goes on to an hour (since the beginning), judging every twenty minutes.
    func run(toHour end: Int) throws {
        let endTime = Int64(firstHour + end) * .hours(1)
        var slice: Int64 = 0
        while true {
            try fill()
            let time = event.eventTimeMicros
            try shard.apply(batch, progress(time))
            sampler.offer(batch)
            for pick in sampler.take().picks {
                let entity = watched.entities.firstIndex { $0.index == pick.entity }!
                guard let values = store.observe(watched.entities[entity].plan, key: pick.key, asOf: pick.time) else { continue }
                try monitor.observe(entity, hash: pick.hash, values: values, time: pick.time, now: time)
            }
            if time / .minutes(20) != slice {
                slice = time / .minutes(20)
                try monitor.flush()
                try monitor.judge(now: time)
            }
            if time >= endTime { return }
        }
    }

    private func progress(_ time: Int64) -> BatchProgress {
        var progress = BatchProgress(streamCount: 2)
        for stream in 0..<2 { progress.positions[stream] = .init(nextOffset: offsets[stream], newestRecordTime: time) }
        return progress
    }

    /// The events of about a minute, at most 200.
    private func fill() throws {
        batch.reset()
        payloads.removeAll(keepingCapacity: true)
        var first: Int64?
        repeat {
            generator.next(into: &event)
            payloads.append(event.payload)
            let stream = event.kind == .click ? 0 : 1
            offsets[stream] += 1
            // The array's storage stays where it is while `payloads` holds it.
            let bytes = payloads[payloads.count - 1].withUnsafeBytes { $0 }
            let before = batch.eventCount
            _ = decoders[stream].decode(bytes, recordTime: event.eventTimeMicros, into: batch)
            if stream == 0, batch.eventCount > before { damage(batch.events[before]) }
            if event.origin == .fresh { first = first ?? event.eventTimeMicros }
        } while payloads.count < 200 && event.eventTimeMicros - (first ?? event.eventTimeMicros) < .minutes(1) || event.origin != .fresh
    }

    private func damage(_ record: EventRecord) {
        guard let fault, fault.hours.contains(FeatureMonitor.hour(of: record.time) - firstHour) else { return }
        let at = batch.values + Int(record.firstValue) + pricePosition
        guard !at.pointee.isNull else { return }
        switch fault.kind {
        case .scale(let factor): at.pointee.word *= factor
        case .nulls: at.pointee = .null
        case .stuck(let value): at.pointee.word = value
        }
    }

    /// Alerts that began in an hour, as `feature measure`.
    func fired(in hours: Range<Int>) -> Set<String> {
        Set(notices.filter { $0.alert.state == .firing && hours.contains($0.alert.since - firstHour) }.map { "\($0.alert.feature) \($0.alert.measure.name)" })
    }

    /// What fired, for a failing test.
    var story: String {
        notices.map { "h\($0.alert.hour - firstHour) \($0.alert.feature) \($0.alert.measure.name) \($0.alert.state) \($0.alert.value) of \($0.alert.threshold) vs \($0.comparison.kind.name)(\($0.comparison.hours)) n=\($0.summary.count)/\(Int($0.entities))" }
            .joined(separator: "\n")
    }
}
