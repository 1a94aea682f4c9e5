import FeatureStore
import TestSupport
import Testing

/// What a service does to the values of its features, and what may be wrong about how it says so.
@Suite struct ServedFeatureTests {
    private let noon = ShardFixture.noon

    @Test func `a service's default and bounds are its own`() throws {
        let directory = TemporaryDirectory()
        var definitions = ShardFixture.definitions(directory.path)
        definitions.views[0].features[0].defaultValue = .int(7)
        definitions.derived = [.init(name: "double_n", entity: "customer", expression: "clicks_of_customer_n * 2")]
        let names = ["clicks_of_customer_n", "clicks_of_customer_n_1h", "clicks_of_customer_sum", "clicks_of_customer_last", "double_n"]
        var service = ServiceDefinition(name: "model", entity: "customer", features: names)
        service.served = [
            names[0]: .init(clip: .init(low: .int(5), high: .int(10))),
            names[1]: .init(defaultValue: .int(-1), clip: .init(low: .int(0), high: .int(3))),
            names[2]: .init(defaultValue: .decimal(units: 0, scale: 2), clip: .init(low: nil, high: .decimal(units: 250, scale: 2))),
            names[3]: .init(defaultValue: .string("none")),
        ]
        definitions.services = [service, .init(name: "plain", entity: "customer", features: names)]
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        let clicks = (0..<4).map { ShardFixture.Click(customer: "x", time: noon + Int64($0), id: UInt64($0)) }
        try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: 4))
        func values(_ service: String, _ key: String) throws -> [FeatureValue] {
            let plan = try store.plan(service: service)
            return try Array(key.utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: noon + 60_000_000) }.values
        }
        let served = try values("model", "x")
        #expect(served.map(\.value) == [.int(5), .int(3), .decimal(units: 250, scale: 2), .string("shoes"), .int(8)])
        #expect(served.map(\.status) == Array(repeating: .present, count: 5))
        let unknown = try values("model", "nobody")
        #expect(unknown.map(\.value) == [.null, .int(-1), .decimal(units: 0, scale: 2), .string("none"), .null])
        #expect(unknown.map(\.status) == [.missing, .defaulted, .defaulted, .defaulted, .missing])
        // The feature's own default stands where no service says otherwise.
        #expect(try values("plain", "nobody")[1].value == .int(7))
        #expect(try values("plain", "x")[0].value == .int(4))
        store.closeAll()
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var entry: String, message: String, remedy: String
        init(_ entry: String, _ message: String, _ remedy: String) { (self.entry, self.message, self.remedy) = (entry, message, remedy) }
        var testDescription: String { entry }
    }

    /// A § stands where the fault must be.
    @Test(arguments: [
        Mistake("§{default: 0}", "has no `name`", "add `name: ...`"),
        Mistake("{name: n_lifetime, §defualt: 0}", "no key `defualt`", "did you mean `default`?"),
        Mistake("{name: §m_lifetime, default: 0}", "no feature `m_lifetime`", "did you mean `n_lifetime`?"),
        Mistake("{name: n_lifetime, default: §none}", "must be an int64", "whole number"),
        Mistake("{name: category_lifetime, clip: §[0, 1]}", "is a string and has no bounds", "for numbers"),
        Mistake("{name: n_lifetime, clip: §5}", "a list of two bounds", "clip: [0, 1000]"),
        Mistake("{name: n_lifetime, clip: [0, §1.5]}", "a bound of `n_lifetime` must be a whole number", "as the feature is"),
        Mistake("{name: spend_lifetime, clip: [§0.001, 1]}", "at most 2 digits", "at most 2 digits"),
        Mistake("{name: n_lifetime, clip: §[5, 1]}", "the lower bound of clip is above the upper one", "smaller one first"),
        Mistake("{name: n_lifetime, clip: §[null, null]}", "has no bound", "leaves a side open"),
        Mistake("{name: n_lifetime, §other: true}".replacing("§other: true", with: "other: §true"), "says nothing by itself", "vocabulary"),
        Mistake("{name: category_lifetime, one_hot: §[a], hashed: 4}", "two encodings", "keep one"),
        Mistake("{name: category_lifetime, one_hot: [a, §a]}", "`a` twice", "remove one"),
        Mistake("{name: category_lifetime, one_hot: §[]}", "has 0 words", "hashed"),
        Mistake("{name: category_lifetime, one_hot: §a}", "must be a list", "one_hot: [shoes, bags]"),
        Mistake("{name: category_lifetime, one_hot: [§__other__], other: true}", "column of all other words", "other: true"),
        Mistake("{name: by_category_lifetime, one_hot: §[a]}", "which one_hot does not take", "vocabulary"),
        Mistake("{name: category_lifetime, vocabulary: §[a]}", "which vocabulary does not take", "one_hot"),
        Mistake("{name: mean_lifetime, hashed: §8}", "which hashed does not take", "columns as they are"),
        Mistake("{name: by_category_lifetime, hashed: §0}", "hashed is 0", "1 to 1048576"),
        Mistake("{name: by_category_lifetime, hashed: 8, other: §true}", "hashed has no `other`", "every word"),
        Mistake("{name: category_lifetime, one_hot: [a], sparse: §true}", "one_hot has no `sparse`", "never is"),
    ])
    func `a mistake is told where it is`(_ mistake: Mistake) throws {
        let faults = VectorFixture.faults(mistake.entry.replacing("§", with: ""))
        let shown = faults.map(\.description).joined(separator: "\n")
        #expect(faults.count == 1, "\(shown)")
        let fault = try #require(faults.first)
        #expect(fault.message.contains(mistake.message) && fault.remedy.contains(mistake.remedy), "\(shown)")
        let column = try #require(mistake.entry.firstIndex(of: "§")).utf16Offset(in: mistake.entry)
        #expect(fault.column == 9 + column, "\(shown)")
    }

    @Test func `a row of the matrix has a bound`() {
        let words = (0..<9_000).map { "w\($0)" }.joined(separator: ", ")
        let faults = VectorFixture.faults("{name: category_lifetime, one_hot: [\(words)]}\n{name: by_category_lifetime, vocabulary: [\(words)]}")
        #expect(faults.map(\.message) == ["service `model` has 18002 columns, at most 16384 are allowed"])
        #expect(VectorFixture.faults("{name: category_lifetime, one_hot: [\(words)]}\n{name: by_category_lifetime, vocabulary: [\(words)], sparse: true}").isEmpty)
    }
}
