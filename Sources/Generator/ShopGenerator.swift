/// An endless, deterministic stream of clicks and purchases of an imagined shop.
///
/// Event time runs at `eventsPerSecond`, busier in the evening than at night. At each step one of the open sessions takes a turn: its
/// customer looks at a product, mostly of the category they are in, and buys with a chance that rises with each turn. A session that is
/// over makes room for the next one, whose customer is drawn from a Zipf distribution. Late events, duplicates, bots and broken events come
/// in as the options say.
///
/// ```swift
/// var generator = ShopGenerator(GeneratorOptions())
/// var event = GeneratedEvent()
/// generator.next(into: &event)    // event.customer is the record's key, event.payload its value
/// ```
///
/// Memory: some 40 bytes for each open session, whatever the number of customers and products. Time: below 1 µs an event.
public struct ShopGenerator: Sendable {
    private let options: GeneratorOptions
    private let writer: EventWriter
    private let customerOrder: Permutation
    private let customerActivity: ZipfSampler
    private let rhythm = Rhythm()
    /// Chance that a whole event is kept to be sent again.
    private let repeatChance: Double
    /// Chance of a purchase on a session's turn, for each turn before it.
    private let purchaseChancePerTurn: Double

    private var random: SplitMix64
    private var sessions: [Session]
    private var duplicates = DuplicateQueue(capacity: 64)
    private var eventCount: UInt64 = 0
    private var sessionCount: UInt64 = 0
    /// Since `options.start`, µs.
    private var elapsed = 0.0

    /// Values outside their range are brought to its nearest end.
    public init(_ options: GeneratorOptions) {
        let options = options.clamped
        self.options = options
        writer = EventWriter(catalog: ProductCatalog(options: options))
        customerOrder = Permutation(count: options.customers, seed: options.seed ^ 0x63)
        customerActivity = ZipfSampler(count: options.customers, exponent: options.zipfExponent)
        random = SplitMix64(seed: options.seed)
        let open = min(options.eventsPerSecond * options.sessionGapSeconds, Double(options.maxOpenSessions))
        sessions = Array(repeating: Session(), count: max(Int(open), 1))
        // Of n events of which d are repeats, d / (n - d) of the others were kept.
        repeatChance = options.duplicateShare / (1 - options.duplicateShare)
        // Bots buy nothing. Sessions of mean length L have L - 1 turns before a turn in the mean (lengths are geometric).
        let share = options.purchaseShare / (1 - options.botShare)
        purchaseChancePerTurn = options.sessionLength > 1 ? share / (options.sessionLength - 1) : share
    }

    /// Writes the next event over `event`.
    public mutating func next(into event: inout GeneratedEvent) {
        if duplicates.isFull || (duplicates.count > 0 && random.chance(1.0 / 64)) {
            duplicates.removeFirst(into: &event)
            event.origin = .duplicate
            return
        }
        let now = advanceClock()
        event.origin = .fresh
        event.eventTimeMicros = now
        if options.lateShare > 0, random.chance(options.lateShare) {
            event.origin = .late
            let reach = random.chance(0.02) ? 259_200_000 : 7_200_000
            event.eventTimeMicros = max(now - Int64(1 + random.below(reach)) * 1_000, 0)
        }
        eventCount &+= 1
        if random.chance(options.botShare) {
            botClick(now, into: &event)
        } else {
            sessionTurn(now, into: &event)
        }
        if options.malformedShare > 0, random.chance(options.malformedShare) {
            event.origin = .malformed
            writer.damage(&event.payload, way: random.below(4))
        } else if repeatChance > 0, random.chance(repeatChance) {
            duplicates.append(event)
        }
    }

    /// The event time of the next event in time, µs since the epoch in whole milliseconds.
    private mutating func advanceClock() -> Int64 {
        // 221,845,392 s is the end of the range of `start`; events stop moving on a while after it rather than overflow.
        let now = options.start + Int64(min(elapsed, 3e16))
        let rate = options.eventsPerSecond * (options.diurnal ? rhythm.factor(at: now) : 1)
        elapsed += random.uniform() * 2_000_000 / rate
        return now - now % 1_000
    }

    /// Names of events and sessions: distinct for all counts of one seed.
    private func identifier(_ count: UInt64) -> UInt64 { SplitMix64.mix(count &+ SplitMix64.mix(options.seed)) }
}

extension ShopGenerator {
    private static let botCount = 5
    /// A session that was silent this long is over, µs.
    private static let sessionTimeout: Int64 = 1_800_000_000

    /// One customer's visit.
    private struct Session {
        var identifier: UInt64 = 0
        var customer = 0
        var product = 0
        var lastTime = Int64.min
        var turns: Int32 = 0
        var device = Device.desktop
        var isOpen = false
    }

    /// A click, or a purchase of the product looked at last.
    private mutating func sessionTurn(_ now: Int64, into event: inout GeneratedEvent) {
        let slot = random.below(sessions.count)
        var session = sessions[slot]
        if !session.isOpen || now - session.lastTime > Self.sessionTimeout { session = beginSession() }
        let before = Double(options.sessionLength > 1 ? session.turns : 1)
        if random.chance(purchaseChancePerTurn * before) {
            purchase(session, into: &event)
        } else {
            click(&session, into: &event)
        }
        writer.customer(session.customer, into: &event.customer)
        session.lastTime = now
        session.turns &+= 1
        session.isOpen = !random.chance(1 / options.sessionLength)
        sessions[slot] = session
    }

    private mutating func beginSession() -> Session {
        sessionCount &+= 1
        let device: Device =
            switch random.below(10) {
            case 0..<5: .mobile
            case 5..<9: .desktop
            default: .tablet
            }
        return Session(
            identifier: identifier(sessionCount), customer: customerOrder[customerActivity.draw(&random) - 1],
            product: writer.catalog.draw(&random), device: device, isOpen: true)
    }

    private mutating func click(_ session: inout Session, into event: inout GeneratedEvent) {
        let page: Page
        switch random.below(20) {
        case 0..<12: page = .product
        case 12..<15: page = .category
        case 15..<17: page = .search
        case 17: page = session.turns > 1 ? .cart : .home
        default: page = session.turns == 0 ? .home : .product
        }
        if page != .cart {
            let stays = session.turns > 0 && random.chance(0.85)
            session.product = stays ? writer.catalog.drawBeside(session.product, &random) : writer.catalog.draw(&random)
        }
        event.kind = .click
        writer.click(
            id: identifier(eventCount), customer: session.customer, time: event.eventTimeMicros, page: page, product: session.product,
            session: session.identifier, device: session.device, into: &event.payload)
    }

    private mutating func purchase(_ session: Session, into event: inout GeneratedEvent) {
        event.kind = .purchase
        // One piece in most orders, four at most.
        let quantity = 1 + min(random.below(4), random.below(4), random.below(4))
        writer.purchase(
            id: identifier(eventCount), customer: session.customer, time: event.eventTimeMicros, product: session.product,
            quantity: UInt64(quantity), into: &event.payload)
    }

    /// Bots walk through products evenly and never buy.
    private mutating func botClick(_ now: Int64, into event: inout GeneratedEvent) {
        let bot = UInt64(random.below(Self.botCount))
        let customer = Int(SplitMix64.mix(options.seed &+ bot) % UInt64(options.customers))
        event.kind = .click
        writer.click(
            id: identifier(eventCount), customer: customer, time: event.eventTimeMicros, page: .product,
            product: random.below(options.products), session: identifier(UInt64.max - bot), device: .bot, into: &event.payload)
        writer.customer(customer, into: &event.customer)
    }
}
