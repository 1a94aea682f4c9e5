import FeatureStore
import TestSupport
import Testing

/// What comes with a request: its types, and what is computed of it.
@Suite struct InputTests {
    private let noon = ShardFixture.noon

    private func values(_ plan: VectorPlan, _ inputs: [String: GivenInput] = [:]) throws -> [FeatureValue] {
        let asked = try plan.given(inputs)
        return try RowReader.values(asked.read, rows: [], at: noon, inputs: asked.inputValues)
    }

    @Test func `an input is a feature and a part of derived ones`() throws {
        let plan = try VectorFixture.plan("basket\nis_mobile\n{name: device, one_hot: [mobile, tablet], other: true}\nn_lifetime")
        #expect(plan.inputs.map(\.name) == ["basket", "device"])
        #expect(plan.columns.columnNames == ["basket", "is_mobile", "device=mobile", "device=tablet", "device=__other__", "n_lifetime"])
        let given = try values(plan, ["basket": .number("12.345"), "device": .string("mobile")])
        #expect(given.map(\.value) == [.decimal(units: 1234, scale: 2), .bool(true), .string("mobile"), .int(0)])
        #expect(given.map(\.status) == [.present, .present, .present, .defaulted])
        // Not given, or null: the default, or missing.
        for none in [[:], ["basket": GivenInput.null]] {
            let values = try values(plan, none)
            #expect(values.map(\.value) == [.null, .bool(false), .string("unknown"), .int(0)])
            #expect(values.map(\.status) == [.missing, .present, .defaulted, .defaulted])
        }
    }

    @Test(arguments: [
        ("pieces", GivenInput.number("7"), Value.int(7)), ("pieces", .number("7.0"), .int(7)), ("quick", .bool(true), .bool(true)),
        ("weight", .number("1e-2"), .double(0.01)), ("basket", .number("-0.5"), .decimal(units: -50, scale: 2)),
    ])
    func `numbers are taken by their text`(_ name: String, _ given: GivenInput, _ value: Value) throws {
        #expect(try values(VectorFixture.plan(name), [name: given])[0].value == value)
    }

    @Test(arguments: [
        ("pieces", GivenInput.number("7.5")), ("pieces", .number("9999999999999999999")), ("pieces", .string("7")), ("quick", .number("1")),
        ("weight", .number("nan")), ("weight", .number("1e999")), ("weight", .number("0x1p3")), ("basket", .bool(true)), ("basket", .number("1e30")),
        ("device", .number("3")), ("device", .string(String(repeating: "x", count: 1025))),
    ])
    func `what is not of the type is refused`(_ name: String, _ given: GivenInput) throws {
        let plan = try VectorFixture.plan(name)
        #expect { try plan.given([name: given]) } throws: { if case LookupError.badInput(name, _) = $0 { true } else { false } }
    }

    @Test func `an input that the service does not use is refused`() throws {
        let plan = try VectorFixture.plan("is_mobile")
        #expect(throws: LookupError.unknownInput("basket", service: "model", known: ["device"])) { try plan.given(["basket": .number("1")]) }
        #expect(throws: LookupError.unknownInput("devise", service: "model", known: ["device"])) { try plan.given(["devise": .string("x")]) }
    }

    @Test func `derived features take the row and the request together`() throws {
        let directory = TemporaryDirectory()
        var definitions = ShardFixture.definitions(directory.path)
        definitions.inputs = [.init(name: "basket", type: .decimal(scale: 2))]
        definitions.derived = [.init(name: "share", entity: "customer", expression: "basket / clicks_of_customer_sum")]
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        try shard.apply(ShardFixture.batch([.init(customer: "x", time: noon, id: 1, price: 400)]), ShardFixture.progress(next: 1))
        let plan = try store.plan(features: ["share", "basket"]).given(["basket": .number("1")])
        let vector = try Array("x".utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: noon, maxStaleness: nil) }
        #expect(vector.values.map(\.value) == [.double(0.25), .decimal(units: 100, scale: 2)])
        // A shard that is behind makes old what was read of it, not what came with the request.
        let late = try Array("x".utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: noon, maxStaleness: 1) }
        #expect(late.values.map(\.status) == [.stale, .present])
        let unknown = try Array("nobody".utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: noon, maxStaleness: nil) }
        #expect(!unknown.found && unknown.values.map(\.status) == [.missing, .present])
        store.closeAll()
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var old: String, new: String, message: String, remedy: String
        init(_ old: String, _ new: String, _ message: String, _ remedy: String) { (self.old, self.new, self.message, self.remedy) = (old, new, message, remedy) }
        var testDescription: String { new }
    }

    @Test(arguments: [
        Mistake("quick: bool", "quick: §boolean", "type cannot be `boolean`", "bool"),
        Mistake("quick: bool", "quick: {§scale: 2}".replacing("§scale", with: "scale"), "has no `type`", "one of: string"),
        Mistake("quick: bool", "§n_lifetime: bool", "is a feature of customer", "another name"),
        Mistake("quick: bool", "§or: bool", "word of the expression language", "another name"),
        Mistake("default: unknown", "default: §[a]", "must be a string", "write a string"),
        Mistake("{type: decimal, scale: 2,", "{type: decimal, scale: §12,", "scale is 12", "0...9"),
        Mistake("{type: string, default: unknown}", "{type: string, scale: §1}", "only decimals have a scale", "remove `scale`"),
        Mistake("is_mobile: {expression: 'device == \"mobile\"'}", "is_mobile: {expression: 'devise == \"mobile\"'}", "no feature `devise`", "did you mean `device`?"),
    ])
    func `a mistake is told`(_ mistake: Mistake) throws {
        let base = VectorFixture.yaml + "      - n_lifetime\n"
        let changed = base.replacing(mistake.old, with: mistake.new)
        #expect(changed != base)
        let error = #expect(throws: DefinitionFaults.self) { try Definitions.load(yaml: changed.replacing("§", with: ""), file: "shop.yaml") }
        let faults = error?.faults ?? []
        #expect(faults.count == 1 && faults[0].message.contains(mistake.message) && faults[0].remedy.contains(mistake.remedy), "\(faults)")
    }
}
