import FeatureStore
import Testing

/// Orders, refunds and clicks of one customer, by hand.
@Suite struct Retractions {
    private static let noon: Int64 = 1_700_000_000_000_000
    private static let minute: Int64 = .minutes(1)

    private static func definitions(_ change: (inout Definitions) -> Void = { _ in }) -> Definitions {
        func stream(_ name: String, ids: Bool, _ fields: [FieldDefinition], _ retracts: RetractionDefinition? = nil) -> StreamDefinition {
            .init(
                name: name, topic: name, keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: ids ? .init("id") : nil, allowedLateness: .hours(1),
                fields: fields, retracts: retracts)
        }
        let product = FieldDefinition(name: "product", type: .string), amount = FieldDefinition(name: "amount", type: .decimal(scale: 2))
        let hour = Window.sliding(length: .hours(1), hop: .minutes(1)), exact = Window.sliding(length: .hours(1), hop: Window.exactHop)
        let aggregations: [Aggregation] = [
            .count(field: nil), .sum(field: "amount"), .max(field: "amount"), .first(field: "product"), .last(field: "product"),
            .lastN(field: "product", n: 3, distinct: true), .distinctCount(field: "product"), .sumBy(field: "amount", by: "product", maxKeys: 8),
        ]
        var definitions = Definitions(
            name: "shop", entities: [.init(name: "customer")],
            streams: [
                stream("orders", ids: true, [product, amount]),
                stream("refunds", ids: false, [.init(name: "order", type: .string), .init(name: "full", type: .bool)],
                    .init(stream: "orders", field: "order", filter: "full")),
                stream("clicks", ids: false, [product]),
            ],
            views: [
                .init(
                    name: "orders", entity: "customer", stream: "orders", keep: .events(max: 10),
                    features: aggregations.enumerated().map { .init(name: "o\($0)", aggregation: $1, window: hour) }),
                .init(
                    name: "after", entity: "customer", stream: "orders", keep: .events(max: 10),
                    attribution: .init(stream: "clicks", match: "product", within: .minutes(10)),
                    features: [
                        .init(name: "attributed", aggregation: .count(field: nil), window: exact),
                        .init(name: "conversion", aggregation: .conversion, window: exact),
                    ]),
            ])
        change(&definitions)
        return definitions
    }

    private static func order(_ id: String, _ product: String, _ amount: Int64, at minutes: Int64) -> OracleEvent {
        .init(stream: 0, time: noon + minutes * minute, id: EventMemory.hash(id), fields: [.text(product), .integer(amount)])
    }

    private static func refund(_ id: String, full: Bool = true, at minutes: Int64) -> OracleEvent {
        let fields: [OracleValue?] = [.text(id), .integer(full ? 1 : 0)]
        return .init(stream: 1, time: noon + minutes * minute, id: OracleEvent.tieBreak(fields), fields: fields)
    }

    private static func click(_ product: String, at minutes: Int64) -> OracleEvent {
        .init(stream: 2, time: noon + minutes * minute, id: OracleEvent.tieBreak([.text(product)]), fields: [.text(product)])
    }

    private static func values(_ events: [OracleEvent], at minutes: Int64, _ definitions: Definitions = definitions()) throws -> [FeatureValue] {
        let rows = RowBuilder(definitions)
        return try rows.values(of: [try rows.row(of: events, batches: events.map { _ in 1 })], at: noon + minutes * minute)
    }

    @Test func `a refund undoes an order in every aggregation, first or last`() throws {
        let hat = Self.order("a", "hat", 1000, at: 1), shoe = Self.order("b", "shoe", 500, at: 2)
        let kept = try Self.values([hat], at: 10)
        #expect(kept[1].value == .decimal(units: 1000, scale: 2))
        for events in [[hat, shoe, Self.refund("b", at: 5)], [Self.refund("b", at: 5), hat, shoe], [shoe, Self.refund("b", at: 5), hat]] {
            #expect(try Self.values(events, at: 10) == kept)
        }
        let both = try Self.values([hat, shoe, Self.refund("b", full: false, at: 5), Self.refund("c", at: 5)], at: 10)
        #expect(both[0].value == .int(2) && both[2].value == .decimal(units: 1000, scale: 2) && both[4].value == .string("shoe"))
    }

    @Test func `an id that is used again long after its refund counts`() throws {
        let refund = Self.refund("a", at: 1)
        // The margin is an hour.
        #expect(try Self.values([Self.order("a", "hat", 1, at: 61), refund], at: 61)[0].value == .int(0))
        #expect(try Self.values([Self.order("a", "hat", 1, at: 62), refund], at: 62)[0].value == .int(1))
    }

    @Test func `a request for a time before the refund counts the order`() throws {
        let events = [Self.order("a", "hat", 1, at: 1), Self.refund("a", at: 20), Self.refund("a", at: 30)]
        let past = Self.definitions { $0.views[0].history = .hours(1) }
        #expect(try Self.values(events, at: 19, past)[0].value == .int(1))
        #expect(try Self.values(events, at: 20, past)[0].value == .int(0))
        #expect(try Self.values(events, at: 25, past)[0].value == .int(0))
        // Without history the past is not kept.
        #expect(try Self.values(events, at: 19)[0].status == .missing)
    }

    @Test func `an order counts once for a click of its product in time`() throws {
        let clicks = [Self.click("hat", at: 0), Self.click("hat", at: 1), Self.click("shoe", at: 20), Self.click("sock", at: 21)]
        let orders = [Self.order("a", "hat", 1, at: 5), Self.order("b", "shoe", 1, at: 19), Self.order("c", "hat", 1, at: 12)]
        for events in [clicks + orders, orders + clicks, orders.reversed() + clicks.shuffled()] {
            let values = try Self.values(events, at: 30)
            #expect(values[8].value == .int(1) && values[8].newestEventTime == Self.noon + 5 * Self.minute)
            #expect(values[9].value == .double(0.25))
        }
        let late = try Self.values(clicks + orders + [Self.click("shoe", at: 18), Self.refund("a", at: 40)], at: 40)
        #expect(late[8].value == .int(1) && late[8].newestEventTime == Self.noon + 19 * Self.minute)
        #expect(late[9].value == .double(0.2))
        #expect(try Self.values(orders, at: 30)[9].status == .missing)
    }

    @Test func `without room for what a window needs there is no value`() throws {
        let orders = (0..<11).map { Self.order("\($0)", "hat", 1, at: $0) }
        #expect(try Self.values(orders, at: 59)[0].status == .missing)
        // The first order, which found no room, has left the window: it reached it to the minute.
        #expect(try Self.values(orders, at: 60)[0].status == .missing)
        #expect(try Self.values(orders, at: 61)[0].value == .int(10))
        let refunds = (0..<3).map { Self.refund("\($0)", at: $0) }
        let two = Self.definitions { $0.streams[1].maxIDsPerRow = 2 }
        #expect(try Self.values(Array(orders.prefix(5)) + refunds, at: 59, two)[0].status == .missing)
        #expect(try Self.values(Array(orders.prefix(5)) + refunds, at: 59)[0].value == .int(2))
    }

    @Test func `a view that ignores retractions counts all`() throws {
        let definitions = Self.definitions { definitions in
            definitions.views[0].appliesRetractions = false
            definitions.views[1].attribution = nil
            definitions.views[1].features.removeLast()
        }
        let values = try Self.values([Self.order("a", "hat", 1, at: 1), Self.refund("a", at: 2)], at: 3, definitions)
        #expect(values[0].value == .int(1) && values[8].value == .int(0))
    }

    /// Refunds keyed otherwise lie in another shard: rows are joined at the lookup.
    @Test func `a refund in another row undoes an order, too`() throws {
        let rows = RowBuilder(Self.definitions())
        let orders = try rows.row(of: [Self.order("a", "hat", 1, at: 1), Self.order("b", "hat", 1, at: 1)], batches: [2])
        let refunds = try rows.row(of: [Self.refund("a", at: 2)], batches: [1])
        for order in [[orders, refunds], [refunds, orders]] {
            #expect(try rows.values(of: order, at: Self.noon + 3 * Self.minute)[0].value == .int(1))
        }
    }
}
