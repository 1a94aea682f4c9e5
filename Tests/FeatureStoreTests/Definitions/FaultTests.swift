import FeatureStore
import Foundation
import TestSupport
import Testing

/// Every mistake in the file: its place, what it says and what it suggests.
@Suite struct FaultTests {
    static let good = """
        version: 1
        name: shop
        entities:
          customer: {description: A shopper}
          product: {}
        streams:
          clicks:
            topic: clicks
            dead_letter_topic: clicks.dead
            format: json
            keys: {customer: customer_id, product: product.id}
            time: {path: event_time, format: epoch_ms}
            id: event_id
            allowed_lateness: 2d
            max_ids_per_row: 4096
            partitioner: murmur2
            partitioned: true
            fields:
              page: string
              category: string
              member: bool
              price: {type: decimal, scale: 2, path: product.price}
              n: int64
          orders:
            topic: orders
            keys: {customer: customer_id}
            time: {format: kafka}
            fields: {amount: decimal}
        views:
          customer_clicks:
            entity: customer
            stream: clicks
            where: page != "bot"
            history: 0s
            windows: [5m, 1h]
            features:
              clicks: {aggregation: count, default: 0}
              spend: {aggregation: sum, field: price, windows: [24h]}
              pages: {aggregation: last_n, field: page, n: 10, windows: [24h]}
              by_category: {aggregation: count_by, by: category, max_keys: 32}
          product_clicks:
            entity: product
            stream: clicks
            features:
              seen: {aggregation: count, windows: [lifetime]}
        derived:
          customer:
            rate: {expression: "clicks_5m / max(clicks_1h, 1)", default: 0}
            twice: {expression: rate * 2}
        services:
          home: {version: 2, entity: customer, max_staleness: 30s, features: [clicks_5m, rate]}
        store: {directory: data, durability: commit, initial_map_size: 64MiB, max_map_size: 1TiB}
        kafka: {brokers: "127.0.0.1:9092", properties: {session.timeout.ms: 6000}}
        server: {http: "127.0.0.1:8080", grpc: "127.0.0.1:8081", ready_lag: 10}

        """

    static func faults(_ yaml: String, environment: [String: String] = [:]) -> [DefinitionFault] {
        do {
            _ = try Definitions.load(yaml: yaml, file: "shop.yaml", environment: environment)
            return []
        } catch {
            return error.faults
        }
    }

    @Test func theBaseIsGood() throws {
        let definitions = try Definitions.load(yaml: Self.good, file: "etc/shop.yaml")
        #expect(definitions.store.directory == "etc/data")
        #expect(definitions.kafka.properties == ["session.timeout.ms": "6000"])
        #expect(definitions.views[1].features[0].name == "seen_lifetime")
        #expect(definitions.derived.map(\.name) == ["rate", "twice"])
        #expect(definitions.streams[1].time == EventTime(path: nil, format: .kafka))
        #expect(definitions.streams[1].fields[0].type == .decimal(scale: 6))
        #expect(definitions.streams[1].fields[0].path == FieldPath("amount"))
        #expect(definitions.server.httpPort == 8080)
    }

    /// What to replace, by what (with a § where the fault must be), and parts of the message and of the remedy.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var old: String, new: String, message: String, remedy: String
        init(_ old: String, _ new: String, _ message: String, _ remedy: String) {
            (self.old, self.new, self.message, self.remedy) = (old, new, message, remedy)
        }
        var testDescription: String { "\(new): \(message)" }
    }

    @Test(arguments: [
        // The top.
        Mistake("version: 1\n", "version: §3\n", "version is 3", "`version: 1`"),
        Mistake("version: 1\n", "§", "has no `version`", "add `version: 1`"),
        Mistake("name: shop", "name: §Shop", "not a valid name", "a-z"),
        Mistake("derived:", "§dervied:", "no key `dervied`", "did you mean `derived`?"),
        Mistake("name: shop", "name: §[shop]", "must be a string, not a list", "name: text"),
        // Streams.
        Mistake("max_ids_per_row: 4096", "§max_id_per_row: 4096", "stream `clicks` has no key `max_id_per_row`", "did you mean `max_ids_per_row`?"),
        Mistake("topic: clicks\n", "topic: §click events\n", "not a Kafka topic name", "letters, digits"),
        Mistake("clicks.dead", "§clicks", "its own topic", "name another topic"),
        Mistake("topic: orders", "topic: clicks", "read the same topic", "one stream"),
        Mistake("format: json", "format: §avro", "format cannot be `avro`", "json"),
        Mistake("format: json", "format: {protobuf: §{message: a.B}}", "protobuf has no `descriptor_set`", "protoc"),
        Mistake("format: json", "format: {protobuf: {descriptor_set: s.binpb, message: a.B, framing: §confluence}}", "framing cannot be", "did you mean `confluent`?"),
        Mistake("keys: {customer: customer_id, ", "keys: {§custmer: customer_id, ", "no entity `custmer`", "did you mean `customer`?"),
        Mistake("product: product.id}", "product: §product..id}", "is not a path", "product.category"),
        Mistake("format: epoch_ms", "format: §epoch_msec", "format cannot be `epoch_msec`", "did you mean `epoch_ms`?"),
        Mistake("format: epoch_ms", "format: §protobuf_timestamp", "needs a Protobuf stream", "rfc3339"),
        Mistake("{path: event_time, format: epoch_ms}", "§{format: epoch_ms}", "has no `path`", "kafka"),
        Mistake("time: {format: kafka}", "time: {format: kafka, path: §ts}", "has no path", "remove `path`"),
        Mistake("allowed_lateness: 2d", "allowed_lateness: §2 days", "must be a duration", "write `2d`"),
        Mistake("allowed_lateness: 2d", "allowed_lateness: §1w", "must be a duration", "write `7d`"),
        Mistake("allowed_lateness: 2d", "allowed_lateness: §soon", "must be a duration", "5s, 15s, 5m"),
        Mistake("allowed_lateness: 2d", "allowed_lateness: §401d", "outside 0s to 400d", "0s to 400d"),
        Mistake("max_ids_per_row: 4096", "max_ids_per_row: §0", "outside 1...1000000", "whole number"),
        Mistake("partitioner: murmur2", "partitioner: §murmur3", "partitioner cannot be `murmur3`", "did you mean `murmur2`?"),
        Mistake("partitioned: true", "partitioned: §yes", "must be true or false", "partitioned: true"),
        Mistake("page: string", "page: §text", "type cannot be `text`", "write `string`"),
        Mistake("amount: decimal", "amount: §float", "type cannot be `float`", "which is exact"),
        Mistake("member: bool", "member: {type: bool, scale: §2}", "only decimals and vectors have a scale", "remove `scale`"),
        Mistake("scale: 2", "scale: §10", "outside 0...9", "0...9"),
        Mistake("n: int64", "§in: int64", "a word of the expression language", "another name"),
        Mistake("n: int64", "§N: int64", "not a valid field name", "a-z"),
        Mistake("  orders:\n    topic: orders\n", "  §orders:\n    topic: orders\n    partitioner: fnv1a\n", "partitioned by customer with fnv1a", "one partitioner"),
        // Duplicates.
        Mistake("member: bool", "member: bool\n      §page: string", "the key `page` is given twice", "the other is on line 19"),
        Mistake("      spend: {", "      §clicks: {aggregation: count}\n      spend: {", "the key `clicks` is given twice", "line 37"),
        Mistake("    twice: {expression: rate * 2}", "    §clicks_5m: {expression: rate * 2}", "`clicks_5m` of customer is defined twice", "line 37"),
        // Views and features.
        Mistake("entity: product\n", "entity: §prodcut\n", "no entity `prodcut`", "did you mean `product`?"),
        Mistake("stream: clicks\n    features", "stream: §click\n    features", "no stream `click`", "did you mean `clicks`?"),
        Mistake("entity: product\n    stream: clicks", "entity: §product\n    stream: orders", "no key for the entity `product`", "`product: path`"),
        Mistake("where: page != \"bot\"", "where: §pgae != \"bot\"", "no field `pgae`", "did you mean `page`?"),
        Mistake("where: page != \"bot\"", "where: page §> \"bot\"", "compares numbers", "starts_with"),
        Mistake("where: page != \"bot\"", "where: 'n > 1 and page == §5'", "cannot be compared", "quotes"),
        Mistake("where: page != \"bot\"", "where: §>\n      n > 1 and\n      page == 5", "at column 19 of the expression", "quotes"),
        Mistake("field: price, windows: [24h]", "field: §page, windows: [24h]", "sum needs a number, and `page` is a string", "int64 or decimal"),
        Mistake("aggregation: sum, field: price", "aggregation: mean, field: §page", "mean needs a number", "int64 or decimal"),
        Mistake("aggregation: sum, field: price", "aggregation: max, field: §page", "max needs a number", "int64 or decimal"),
        Mistake("aggregation: sum, field: price", "aggregation: min, field: §member", "`member` is a bool", "where: member"),
        Mistake("aggregation: sum, field: price", "aggregation: sum, field: §prize", "no field `prize`", "did you mean `price`?"),
        Mistake("aggregation: sum, field: price, ", "aggregation: sum, ", "feature `spend` has no `field`", "add `field: ...`"),
        Mistake("aggregation: sum,", "aggregation: §average,", "no aggregation `average`", "did you mean `mean`?"),
        Mistake("aggregation: sum,", "aggregation: §summ,", "no aggregation `summ`", "did you mean `sum`?"),
        Mistake("aggregation: sum,", "aggregation: sum, n: §3,", "sum has no `n`", "last_n"),
        Mistake("{aggregation: count, default: 0}", "{§agregation: count, aggregation: count}", "no key `agregation`", "did you mean `aggregation`?"),
        Mistake("n: 10", "n: §1001", "n is 1001, outside 1...1000", "1 to 1000"),
        Mistake(" n: 10,", "", "has no `n`", "how many to keep"),
        Mistake("aggregation: sum, field: price", "aggregation: stddev, field: §page", "stddev needs a number", "int64 or decimal"),
        Mistake("aggregation: sum, field: price", "aggregation: percentile, field: price", "has no `percent`", "50 is the median"),
        Mistake("aggregation: sum, field: price", "aggregation: percentile, field: price, percent: §101", "percent cannot be", "0 to 100"),
        Mistake("aggregation: sum, field: price", "aggregation: percentile, field: price, percent: 99.9, accuracy: §0.2", "accuracy cannot be", "0.001 to 0.1"),
        Mistake("aggregation: sum, field: price", "aggregation: percentile, field: price, percent: 5, max_buckets: §2", "outside 16...4096", "16 to 4096"),
        Mistake("aggregation: sum, field: price", "aggregation: §median, field: price", "no aggregation `median`", "did you mean `percentile`?"),
        Mistake("aggregation: sum, field: price", "aggregation: top_k, k: 3, field: §price", "`price` is a decimal", "few values"),
        Mistake("aggregation: sum, field: price", "aggregation: top_k, field: page", "has no `k`", "k: 5"),
        Mistake("aggregation: sum, field: price", "aggregation: decayed_sum, field: price", "has no `half_life`", "half_life: 7d"),
        Mistake("aggregation: sum, field: price", "aggregation: decayed_count, half_life: §0s", "outside", "1s to 3650d"),
        Mistake("aggregation: sum, field: price", "aggregation: session_count, gap: §31d", "outside", "1s to 30d"),
        Mistake("aggregation: sum, field: price", "aggregation: session_length, field: §price", "session_length has no `field`", "every event"),
        Mistake("aggregation: sum, field: price", "aggregation: sum, gap: §5m, field: price", "sum has no `gap`", "session_count, session_length and bounce_rate"),
        Mistake("aggregation: count, windows: [lifetime]", "aggregation: bounce_rate, windows: [§lifetime]", "no bound in a lifetime window", "a view of their own"),
        Mistake("n: int64\n", "n: {type: vector, dimension: §0}\n", "dimension is 0, outside 1...1024", "1 to 1024"),
        Mistake("n: int64\n", "n: int64\n      e: §vector\n", "has no `dimension`", "dimension: 64"),
        Mistake("n: int64\n", "n: {type: int64, dimension: §3}\n", "only vectors have a dimension", "type vector"),
        Mistake("max_keys: 32", "max_keys: §5000", "outside 1...4096", "1 to 4096"),
        Mistake("by: category, max_keys", "by: §price, max_keys", "`price` is a decimal", "few values"),
        Mistake("by: category, max_keys", "by: category, field: §n, max_keys", "count_by has no `field`", "sum_by"),
        Mistake("aggregation: count, default: 0", "aggregation: count, default: §none", "must be an int64", "whole number"),
        Mistake("field: price, windows: [24h]", "field: price, default: §0.001, windows: [24h]", "must be a decimal(2)", "at most 2 digits"),
        Mistake("aggregation: count, windows: [lifetime]", "aggregation: count", "has no windows", "windows: [5m, 1h, 24h]"),
        Mistake("windows: [lifetime]", "windows: §[]", "empty list of windows", "lifetime"),
        Mistake("windows: [lifetime]", "windows: §24h", "must be a list", "[5m, 1h, 24h]"),
        Mistake("windows: [lifetime]", "windows: [1h, §1h]", "given twice", "keep one"),
        Mistake("windows: [lifetime]", "windows: [§5min]", "must be a duration", "write `5m`"),
        Mistake("windows: [lifetime]", "windows: [§0s]", "outside 1s to 400d", "1s to 400d"),
        Mistake("windows: [lifetime]", "windows: [§401d]", "outside 1s to 400d", "1s to 400d"),
        Mistake("windows: [lifetime]", "windows: [§3s]", "shorter than its hop on the ladder, 5s", "hop: 1s"),
        Mistake("windows: [lifetime]", "windows: [§3601s]", "no multiple of its hop on the ladder, 1m", "hop: 1s"),
        Mistake("windows: [lifetime]", "windows: [{length: 1m, hop: §2m}]", "shorter than its hop, 2m", "hop: 1s"),
        Mistake("windows: [lifetime]", "windows: [{length: 1h, hop: §7m}]", "no multiple of its hop, 7m", "hop: 1m"),
        Mistake("windows: [lifetime]", "windows: [{length: 30d, hop: §1s}]", "2592000 tiles", "hop of 6h"),
        Mistake("windows: [lifetime]", "windows: [1h, {length: 10m, hop: §40s}]", "the hop 1m of 1h is no multiple of the hop 40s of 10m", "divide one another"),
        Mistake("windows: [lifetime]", "windows: [lifetime], ttl: §0s", "outside 1s", "duration"),
        Mistake("history: 0s", "history: §-1d", "must be a duration", "whole number"),
        // Calendar windows.
        Mistake("windows: [lifetime]", "windows: [§today]", "the window today needs a time zone", "add `time_zone: Europe/Berlin`"),
        Mistake("windows: [lifetime]", "windows: [§this_weak]", "there is no window `this_weak`", "did you mean `this_week`?"),
        Mistake("    history: 0s", "    time_zone: §Europe/Berln", "there is no time zone `Europe/Berln`", "did you mean `Europe/Berlin`?"),
        Mistake("    history: 0s", "    time_zone: UTC\n    week_starts: §Monday", "week_starts cannot be `Monday`", "did you mean `monday`?"),
        Mistake("    windows: [5m, 1h]", "    time_zone: UTC\n    windows: [{length: 5m, hop: §7s}, today, 1h]", "no multiple of its hop, 7s", "hop: 5s"),
        Mistake("    windows: [5m, 1h]", "    time_zone: UTC\n    windows: [5m, 1h, {length: 10h, hop: §10m}, today]", "the hop 15m of today is no multiple of the hop 10m of 10h", "divide one another"),
        // Views that keep events.
        Mistake("windows: [lifetime]", "windows: [{length: 1h, exact: §yes}]", "exact must be true or false", "exact: true"),
        Mistake("windows: [lifetime]", "windows: [{length: 1h, exact: true, hop: §1m}]", "an exact window has no hop", "remove `hop`"),
        Mistake("    history: 0s", "    keep: §rows", "keep cannot be `rows`", "tiles, events"),
        Mistake("    history: 0s\n    windows: [5m, 1h]", "    keep: §tiles\n    windows: [5m, {length: 1h, exact: true}]", "cannot keep tiles: its window 1h is exact", "keep: events"),
        Mistake("    history: 0s", "    max_events: §10", "keeps tiles, which have no bound", "keep: events"),
        Mistake("    history: 0s", "    keep: events\n    max_events: §0", "outside 1...10000", "whole number"),
        Mistake("    history: 0s", "    retractions: §ignore", "no stream retracts events of `clicks`", "remove `retractions`"),
        // Retractions.
        Mistake("fields: {amount: decimal}", "fields: {amount: decimal, click: string}\n    retracts: {stream: §click, field: click}", "there is no stream `click`", "did you mean `clicks`?"),
        Mistake("fields: {amount: decimal}", "fields: {amount: decimal}\n    retracts: {stream: clicks, field: §click}", "has no field `click`", "known: amount"),
        Mistake("fields: {amount: decimal}", "fields: {amount: decimal}\n    retracts: {stream: clicks, field: §amount}", "`amount` cannot hold an id", "string or int64"),
        Mistake("fields: {amount: decimal}", "fields: {order: string}\n    retracts: {stream: §orders, field: order}", "of stream `orders` have no id", "add `id: ...`"),
        Mistake("keys: {customer: customer_id}\n    time: {format: kafka}\n    fields: {amount: decimal}\nviews:\n  customer_clicks:\n    entity: customer", "keys: {customer: customer_id, product: product}\n    time: {format: kafka}\n    fields: {click: string}\n    retracts: {stream: clicks, field: click}\nviews:\n  customer_clicks:\n    keep: §tiles\n    entity: customer", "`orders` retracts its events", "keep: events"),
        Mistake("fields: {amount: decimal}", "fields: {click: string}\n    retracts: {stream: clicks, field: click}", "has no key for the entity `product`", "`retractions: ignore`"),
        // Attribution.
        Mistake("    history: 0s", "    attributed_to: §{stream: orders, within: 7d}", "attributed_to has no `match`", "a field that both streams have"),
        Mistake("    history: 0s", "    attributed_to: {stream: orders, match: §page, within: 7d}", "stream `orders` has no field `page`", "known: amount"),
        Mistake("    history: 0s", "    attributed_to: {stream: §clicks, match: page, within: 7d}", "its own stream", "another stream"),
        Mistake("fields: {amount: decimal}\nviews:\n  customer_clicks:", "fields: {page: int64}\nviews:\n  customer_clicks:\n    attributed_to: {stream: orders, match: §page, within: 7d}", "another type in each", "the same type"),
        Mistake("      clicks: {aggregation: count, default: 0}", "      clicks: {aggregation: count, default: 0}\n      §rate: {aggregation: conversion}", "conversion needs events that are attributed", "attributed_to"),
        // Derived features.
        Mistake("expression: \"clicks_5m / max", "expression: \"§clicks_6m / max", "no feature `clicks_6m`", "did you mean `clicks_5m`?"),
        Mistake("expression: rate * 2", "expression: rate * §pages_24h", "a number is needed", "size(list)"),
        Mistake("    twice: {expression: rate * 2}", "    §twice: {expression: twice * 2}", "twice -> twice", "break the circle"),
        Mistake("expression: rate * 2", "expression: max(rate§, 2, 3)", "expected `)`", "in quotes"),
        Mistake("expression: rate * 2", "expression: \"rate *§\"", "expected a value", "write a name"),
        Mistake("    rate: {expression: \"clicks_5m / max(clicks_1h, 1)\", default: 0}", "    §rate: {expression: twice + 1}", "rate -> twice -> rate", "break the circle"),
        Mistake("1)\", default: 0", "1)\", default: §x", "must be a double", "number"),
        Mistake("derived:\n  customer:", "derived:\n  §costumer:", "no entity `costumer`", "did you mean `customer`?"),
        Mistake("{expression: rate * 2}", "§{default: 2}", "has no `expression`", "add `expression:"),
        // Services.
        Mistake("features: [clicks_5m, rate]", "features: [clicks_5m, §clicks_1hh]", "no feature `clicks_1hh`", "did you mean `clicks_1h`?"),
        Mistake("features: [clicks_5m, rate]", "features: [clicks_5m, §clicks_5m]", "names `clicks_5m` twice", "remove one"),
        Mistake("features: [clicks_5m, rate]", "features: [clicks_5m, §seen_lifetime]", "is a feature of product", "second service"),
        Mistake("features: [clicks_5m, rate]", "features: §[]", "has no features", "at least one"),
        Mistake("version: 2, entity", "version: §0, entity", "version is 0", "whole number"),
        Mistake("entity: customer, max_staleness: 30s", "entity: customer, max_staleness: §30", "must be a duration", "write `30s`"),
        // Settings.
        Mistake("durability: commit", "durability: §fast", "durability cannot be `fast`", "commit, replay"),
        Mistake("initial_map_size: 64MiB", "initial_map_size: §64MB", "must be a size", "64MiB"),
        Mistake("max_map_size: 1TiB", "max_map_size: §2MiB", "smaller than initial_map_size", "at least as large"),
        Mistake("\"127.0.0.1:8080\"", "§localhost", "must be an address", "host:port"),
        Mistake("\"127.0.0.1:8080\"", "§\"127.0.0.1:99999\"", "must be an address", "host:port"),
        Mistake("grpc: \"127.0.0.1:8081\"", "grpc: §\"127.0.0.1:8080\"", "the same address", "port of its own"),
        Mistake("session.timeout.ms: 6000", "§group.id: g", "not yours to set", "set `group:`"),
        Mistake("session.timeout.ms: 6000", "sasl.password: {file: §nowhere/secret}", "cannot be read", "sasl.password"),
        // YAML itself.
        Mistake("partitioned: true", "partitioned: true\n   §bad: 1", "this is not YAML", "indentation"),
        Mistake("page: string", "page: string§: string", "this is not YAML", "quote a value"),
        Mistake("{aggregation: count, default: 0}", "{aggregation: count\n          x§: [1", "this is not YAML", "brackets"),
    ])
    func reports(_ mistake: Mistake) throws {
        let range = try #require(Self.good.range(of: mistake.old), "nothing to replace")
        let marked = Self.good.replacingCharacters(in: range, with: mistake.new)
        let yaml = marked.replacing("§", with: "")
        let faults = Self.faults(yaml)
        let shown = faults.map(\.description).joined(separator: "\n")
        #expect(faults.count == 1, "\(shown)")
        let fault = try #require(faults.first)
        #expect(fault.message.contains(mistake.message), "\(shown)")
        #expect(fault.remedy.contains(mistake.remedy), "\(shown)")
        #expect(fault.line >= 1 && fault.column >= 1)
        if let mark = marked.range(of: "§") {
            let before = marked[..<mark.lowerBound]
            let line = before.filter { $0 == "\n" }.count + 1
            let column = before.reversed().prefix { $0 != "\n" }.count + 1
            #expect("\(fault.line):\(fault.column)" == "\(line):\(column)", "\(shown)")
        }
    }

    @Test func tellsItAsCompilersDo() {
        let faults = Self.faults(Self.good.replacing("name: shop", with: "nmae: shop"))
        #expect(faults.map(\.description) == ["shop.yaml:2:1: error: the file has no key `nmae`\n  did you mean `name`?"])
    }

    @Test func reportsEverythingAtOnce() {
        let yaml = Self.good.replacing("name: shop", with: "name: Shop").replacing("topic: clicks\n", with: "topci: clicks\n")
            .replacing("page: string", with: "page: text").replacing("windows: [5m, 1h]", with: "windows: [5min, 1h]")
            .replacing("by: category", with: "by: categroy").replacing("durability: commit", with: "durability: no")
        let lines = Self.faults(yaml).map { "\($0.line)" }
        // One each; nothing that only follows from another fault.
        #expect(lines == ["2", "8", "19", "35", "40", "52"], "\(Self.faults(yaml).map(\.description).joined(separator: "\n"))")
    }

    @Test func oneFaultDoesNotCauseOthers() {
        // A broken field, used by a filter, an aggregation, a derived feature and a service.
        #expect(Self.faults(Self.good.replacing("page: string", with: "page: strin")).count == 1)
        // A misspelt key is read as the one that was meant.
        for (key, slip) in [("entities:", "entites:"), ("streams:", "stream:"), ("views:", "vews:"), ("windows: [5m", "window: [5m"), ("    fields:\n", "    feilds:\n")] {
            #expect(Self.faults(Self.good.replacing(key, with: slip)).count == 1, "\(slip)")
        }
        // A broken view: its features are unknown, and services that name them are not wrong.
        #expect(Self.faults(Self.good.replacing("entity: customer\n    stream: clicks\n    where", with: "entity: customer\n    stream: klicks\n    where")).count == 1)
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n"])
    func anEmptyFile(_ yaml: String) {
        #expect(Self.faults(yaml).map(\.description) == ["shop.yaml:1:1: error: the file is empty\n  start with `version: 1` and `name: ...`; docs/DEFINITIONS.md has the format"])
    }

    @Test(arguments: ["- a\n- b\n", "text", "null", "[]", "{}", "{{{{", "\u{0}", "a: &x [*x]", "? [a]\n: b\n", "a: *b", "%YAML 9.9\n---\n", "---\na: 1\n---\nb: 2\n", "\"", "a:\n\t- b"])
    func oddFiles(_ yaml: String) {
        let faults = Self.faults(yaml)
        #expect(!faults.isEmpty && faults.allSatisfy { $0.line >= 1 && $0.column >= 1 && !$0.remedy.isEmpty })
    }

    @Test func hugeFiles() {
        #expect(Self.faults(String(repeating: "[", count: 5000)).count == 1)
        #expect(Self.faults("a: " + String(repeating: "x", count: 2 << 20)).first?.message.contains("bytes") == true)
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for i in 1...20 { bomb += "a\(i): &a\(i) [" + Array(repeating: "*a\(i - 1)", count: 9).joined(separator: ",") + "]\n" }
        #expect(Self.faults(bomb).contains { $0.message.contains("too many values") })
        let repeated = Self.good + String(repeating: "name: x\n", count: 200)
        #expect(Self.faults(repeated).contains { $0.message.contains("given twice") })
    }

    @Test func anyChangedByteIsAFaultOrFine() {
        var generator = SeededGenerator(seed: 5)
        let bytes = Array(Self.good.utf8)
        for _ in 0..<400 {
            var changed = bytes
            for _ in 0...generator.below(3) {
                let at = generator.below(changed.count)
                switch generator.below(3) {
                case 0: changed.remove(at: at)
                case 1: changed.insert(Array("{}[]:,-\"'#&*!|>% \n\tx0".utf8)[generator.below(21)], at: at)
                default: changed.removeSubrange(at..<min(changed.count, at + generator.below(30)))
                }
            }
            for fault in Self.faults(String(decoding: changed, as: UTF8.self)) { #expect(!fault.message.isEmpty && !fault.remedy.isEmpty) }
        }
    }
}
