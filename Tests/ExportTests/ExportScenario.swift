import Export
import FeatureStore
import TestSupport

/// Random logs and requests over definitions with every kind of view, all from one seed: late, duplicate and shuffled events, several
/// entities and partitions, and broker timestamps that run on or go back and forth.
struct ExportScenario {
    struct Event {
        var stream: Int
        var partition: Int
        var offset: Int64
        var recordTime: Int64
        var time: Int64
        var id: UInt64
        /// Customer, and for clicks product.
        var keys: [String]
        var text: String?
        var number: Int64?
        var amount: Int64?
        var flag: Bool?
        /// Of clicks.
        var vector: [Int64]?
    }
    struct Request {
        var key: String
        var time: Int64
    }

    static let partitions = 2
    static let base: Int64 = 1_700_000_000_000_000
    let seed: UInt64
    let lateness: Int64
    let maxIDs: Int
    let isInOrder: Bool
    var definitions: Definitions
    /// In log order within each partition of a stream.
    var events: [Event] = []
    var requests: [String: [Request]] = [:]

    init(seed: UInt64) throws {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        lateness = random.pick([0, 600, 18_000, 172_800])
        maxIDs = random.pick([2, 5, 4096, 4096])
        isInOrder = random.one(in: 2)
        definitions = try Self.definitions(latenessSeconds: lateness, maxIDs: maxIDs)
        let step = random.pick([.seconds(20), .minutes(10), .hours(3)] as [Int64])
        var newest = Array(repeating: Self.base, count: Self.topics.count), arrived = Self.base
        var offsets = Array(repeating: [Int64](repeating: 0, count: Self.partitions), count: Self.topics.count)
        for number in 0..<random.int(1...70) {
            let stream = random.pick([0, 0, 0, 1, 1, 2, 2, 3])
            let customer = "c\(random.int(0...3))"
            var time = switch random.int(0...7) {
            case 0...3: newest[stream] + random.int64(0...step)
            case 4: newest[stream] - random.int64(0...step)
            case 5: newest[stream] - random.int64(0...(lateness + 1) * 1_000_000)
            case 6: newest[stream] - random.int64(0 ... .days(40))
            default: newest[stream]
            }
            if random.one(in: 5) { time = floorDown(time, .seconds(5)) - random.int64(0...1) }
            // Brokers get events a little later than they happen, or clocks are ahead.
            arrived = isInOrder ? max(arrived, time - random.int64(0 ... .minutes(4))) : time + random.int64(-.minutes(4) ... .hours(2))
            var event = Event(
                stream: stream, partition: Partitioner.murmur2.partition(of: customer), offset: 0, recordTime: arrived, time: time,
                id: random.next(), keys: stream == 0 ? [customer, "p\(random.int(0...2))"] : [customer],
                text: random.one(in: 6) ? nil : random.pick(["a", "b", "c", "ä, \"quoted\"", ""]),
                number: random.one(in: 6) ? nil : random.int64(-2...9), amount: random.one(in: 6) ? nil : random.int64(-300...9000),
                flag: random.one(in: 6) ? nil : random.one(in: 2),
                vector: stream > 0 || random.one(in: 6) ? nil : [random.int64(-200...200), random.int64(-200...200)])
            // A ticket is named as it is numbered; a return names one that may have come or be yet to come.
            if stream == 2 { event.id = Self.id("t\(number)") }
            if stream == 3 { event.text = random.one(in: 8) ? nil : "t\(random.int(0...70))" }
            if random.one(in: 7), let other = events.filter({ $0.stream == stream }).last {
                event = other
                event.recordTime = max(arrived, event.recordTime)
            }
            event.offset = offsets[stream][event.partition]
            offsets[stream][event.partition] += random.int64(1...3)
            newest[stream] = max(newest[stream], time)
            events.append(event)
        }
        for entity in ["customer", "product"] {
            requests[entity] = (0..<random.int(1...25)).map { _ in
                let near = random.pick(events)
                let time = switch random.int(0...5) {
                case 0: near.time
                case 1: near.recordTime
                case 2: near.time - 1
                case 3: near.time + random.int64(0 ... .hours(30))
                default: near.recordTime + random.int64(-1 ... .minutes(30))
                }
                return Request(key: entity == "customer" ? "c\(random.int(0...4))" : "p\(random.int(0...3))", time: time)
            }
        }
    }

    static let topics = ["clicks", "orders", "tickets", "returns"]

    private static func id(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) } }

    static func definitions(latenessSeconds: Int64, maxIDs: Int) throws -> Definitions {
        var definitions = try Definitions.load(
            yaml: """
                version: 1
                name: random
                entities: {customer: {}, product: {}}
                streams:
                  clicks:
                    topic: clicks
                    keys: {customer: c, product: p}
                    time: {path: t, format: epoch_us}
                    id: i
                    allowed_lateness: \(latenessSeconds)s
                    max_ids_per_row: \(maxIDs)
                    fields: {s: string, n: int64, d: {type: decimal, scale: 2}, b: bool, v: {type: vector, dimension: 2, scale: 2}}
                  orders:
                    topic: orders
                    keys: {customer: c}
                    time: {path: t, format: epoch_us}
                    fields: {s: string, n: int64, d: {type: decimal, scale: 2}, b: bool}
                  tickets:
                    topic: tickets
                    keys: {customer: c}
                    time: {path: t, format: epoch_us}
                    id: i
                    allowed_lateness: 3h
                    fields: {s: string, n: int64, d: {type: decimal, scale: 2}, b: bool}
                  returns:
                    topic: returns
                    keys: {customer: c}
                    time: {path: t, format: epoch_us}
                    fields: {s: string, n: int64, d: {type: decimal, scale: 2}, b: bool}
                    retracts: {stream: tickets, field: s, where: n != 3}
                views:
                  numbers:
                    entity: customer
                    stream: clicks
                    windows: [1m, 1h, 24h, lifetime]
                    features:
                      clicks: {aggregation: count}
                      spent: {aggregation: sum, field: d}
                      average: {aggregation: mean, field: d, default: 0}
                      least: {aggregation: min, field: n}
                      most: {aggregation: max, field: d}
                      oldest: {aggregation: first, field: s, default: none}
                  texts:
                    entity: customer
                    stream: clicks
                    where: n > 1
                    history: 3h
                    windows: [5m, 7d]
                    features:
                      newest: {aggregation: last, field: s, ttl: 1h}
                      recent: {aggregation: last_n, field: s, n: 3, distinct: true}
                      numbers: {aggregation: last_n, field: d, n: 2}
                      kinds: {aggregation: distinct_count, field: s}
                      per_kind: {aggregation: count_by, by: s, max_keys: 2}
                      spent_on: {aggregation: sum_by, field: d, by: s}
                  shapes:
                    entity: customer
                    stream: clicks
                    windows: [1h, 7d]
                    features:
                      spread: {aggregation: stddev, field: d}
                      median: {aggregation: percentile, field: d, percent: 50}
                      favourites: {aggregation: top_k, field: s, k: 2}
                      warm: {aggregation: decayed_sum, field: d, half_life: 1h}
                      visits: {aggregation: session_count, gap: 30m}
                      bounces: {aggregation: bounce_rate, gap: 30m}
                      days: {aggregation: streak}
                      known_for: {aggregation: time_since_first}
                      taste: {aggregation: mean, field: v}
                      last_taste: {aggregation: last, field: v}
                  buys:
                    entity: customer
                    stream: orders
                    windows: [1h, 30d]
                    features:
                      orders: {aggregation: count}
                      since: {aggregation: time_since_last, ttl: 2h}
                      flag: {aggregation: last, field: b}
                  unread:
                    entity: customer
                    stream: orders
                    windows: [90d]
                    features: {never_asked: {aggregation: sum, field: n}}
                  days:
                    entity: customer
                    stream: orders
                    time_zone: Europe/Berlin
                    windows: [today, month_to_date]
                    features: {bought: {aggregation: sum, field: d}}
                  open:
                    entity: customer
                    stream: tickets
                    history: 2h
                    time_zone: America/New_York
                    windows: [1h, {length: 10m, exact: true}, this_week, 30d]
                    features:
                      tickets: {aggregation: count}
                      worth: {aggregation: sum, field: d}
                      worst: {aggregation: max, field: n}
                      words: {aggregation: last_n, field: s, n: 3}
                      by_word: {aggregation: count_by, by: s, max_keys: 2}
                  converted:
                    entity: customer
                    stream: tickets
                    max_events: 6
                    attributed_to: {stream: clicks, match: s, within: 1d, where: n > 0, max_events: 5}
                    windows: [24h, 7d]
                    features:
                      followed: {aggregation: count}
                      conversion: {aggregation: conversion}
                  every:
                    entity: customer
                    stream: tickets
                    retractions: ignore
                    windows: [7d]
                    features: {ever: {aggregation: count}}
                  popularity:
                    entity: product
                    stream: clicks
                    windows: [1h, 7d]
                    features:
                      views: {aggregation: count}
                      visitors: {aggregation: last_n, field: s, n: 4}
                      value: {aggregation: sum_by, field: d, by: b}
                derived:
                  customer:
                    rate: {expression: "clicks_1h / max(orders_1h, 1)", default: 0}
                services:
                  customers:
                    entity: customer
                    features: [rate, clicks_1m, clicks_1h, clicks_24h, clicks_lifetime, spent_1h, spent_lifetime, average_24h, least_1h, most_lifetime,
                      oldest_24h, oldest_lifetime, newest_5m, newest_7d, recent_7d, numbers_7d, kinds_7d, per_kind_7d, spent_on_5m, orders_1h, orders_30d,
                      since_30d, flag_30d, spread_7d, median_7d, favourites_1h, favourites_7d, warm_7d, visits_7d, bounces_7d, days_7d, known_for_7d,
                      taste_1h, taste_7d, last_taste_7d, bought_today, bought_month_to_date, tickets_1h, tickets_10m, tickets_this_week, tickets_30d,
                      worth_30d, worst_10m, worst_30d, words_30d, by_word_30d, followed_24h, followed_7d, conversion_24h, conversion_7d, ever_7d]
                  products: {entity: product, features: [views_1h, views_7d, visitors_7d, value_7d]}
                """, file: "random.yaml")
        definitions.store.durability = .replay
        definitions.store.initialMapBytes = 1 << 20
        return definitions
    }

    var service: [String: String] { ["customer": "customers", "product": "products"] }

    /// These events as a batch; its memory holds their strings.
    static func batch(_ events: [Event]) -> EventBatch {
        let batch = EventBatch(eventCapacity: 16)
        for event in events {
            // Clicks have a vector behind the fields of both.
            let first = event.keys.count, count = first + (event.stream == 0 ? 5 : 4)
            let values = batch.reserveValues(count)
            func store(_ text: String) -> FieldValue {
                let room = batch.store(byteCount: text.utf8.count)
                room.copyBytes(from: text.utf8)
                return .string(UnsafeRawBufferPointer(room))
            }
            for (i, key) in event.keys.enumerated() { values[i] = store(key) }
            if let text = event.text { values[first] = store(text) }
            if let number = event.number { values[first + 1] = .integer(number) }
            if let amount = event.amount { values[first + 2] = .integer(amount) }
            if let flag = event.flag { values[first + 3] = .integer(flag ? 1 : 0) }
            if let vector = event.vector {
                let room = batch.store(byteCount: vector.count * 8)
                vector.withUnsafeBytes { room.copyMemory(from: $0) }
                values[first + 4] = .vector(UnsafeRawBufferPointer(room))
            }
            batch.append(stream: Int32(event.stream), time: event.time, id: event.id, valueCount: count)
        }
        return batch
    }
}

extension Partitioner {
    fileprivate func partition(of key: String) -> Int {
        Array(key.utf8).withUnsafeBytes { partition(of: $0, count: ExportScenario.partitions) }
    }
}
