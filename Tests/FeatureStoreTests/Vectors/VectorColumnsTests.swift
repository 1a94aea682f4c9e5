import FeatureStore
import Testing

/// What columns a vector has for a model, and what stands in them.
@Suite struct VectorColumnsTests {
    private func dense(_ plan: VectorPlan, _ values: [FeatureValue]) -> [Double] {
        var row = [Double](repeating: -1, count: plan.columns.dense)
        plan.columns.encode(values, as: Double.self) { row[$0] = $1 }
        return row
    }

    private static func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) } }

    private func sparse(_ plan: VectorPlan, _ values: [FeatureValue]) -> [[Double]] {
        var row: [SparseEntry<Double>] = []
        plan.columns.encodeSparse(values, into: &row)
        return row.map { [Double($0.column), $0.number] }
    }

    @Test func `numbers are columns as they are, strings and maps have none unless the service says how`() throws {
        let plan = try VectorFixture.plan("n_lifetime\nspend_lifetime\ncategory_lifetime\nby_category_lifetime\ntaste_lifetime")
        #expect(plan.columns.columnNames == ["n_lifetime", "spend_lifetime", "taste_lifetime[0]", "taste_lifetime[1]", "taste_lifetime[2]"])
        #expect(plan.columns.others.map(\.name) == ["category_lifetime", "by_category_lifetime"])
        let row = dense(plan, [
            VectorFixture.value(.int(7)), VectorFixture.value(.decimal(units: 1234, scale: 2)), VectorFixture.value(.string("x")),
            VectorFixture.value(.map([])), VectorFixture.value(.list([.double(0.5), .double(1), .double(-2)])),
        ])
        #expect(row == [7, 12.34, 0.5, 1, -2])
        let empty = dense(plan, Array(repeating: VectorFixture.value(.null, .missing), count: 5))
        #expect(empty.allSatisfy { $0.isNaN })
    }

    @Test func `a word is one column of its vocabulary, or the other one, or none`() throws {
        let plan = try VectorFixture.plan("""
            {name: category_lifetime, one_hot: [shoes, bags]}
            {name: product_lifetime, one_hot: [1, 22], other: true}
            {name: categories_lifetime, one_hot: [shoes, bags], other: true}
            """)
        #expect(plan.columns.columnNames == [
            "category_lifetime=shoes", "category_lifetime=bags", "product_lifetime=1", "product_lifetime=22", "product_lifetime=__other__",
            "categories_lifetime=shoes", "categories_lifetime=bags", "categories_lifetime=__other__",
        ])
        func row(_ category: Value, _ product: Value, _ list: Value) -> [Double] {
            dense(plan, [VectorFixture.value(category), VectorFixture.value(product), VectorFixture.value(list)])
        }
        #expect(row(.string("bags"), .int(22), .list([.string("shoes"), .string("shoes"), .string("bags")])) == [0, 1, 0, 1, 0, 1, 1, 0])
        #expect(row(.string("toys"), .int(3), .list([.string("toys"), .string("books")])) == [0, 0, 0, 0, 1, 0, 0, 1])
        #expect(row(.null, .null, .null) == [0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `a map is dense or sparse over its vocabulary`() throws {
        let plan = try VectorFixture.plan("""
            {name: by_category_lifetime, vocabulary: [shoes, bags], other: true}
            {name: spend_by_lifetime, vocabulary: [bags, shoes], other: true, sparse: true}
            {name: top_lifetime, vocabulary: [shoes]}
            n_lifetime
            """)
        #expect(plan.columns.dense == 5 && plan.columns.sparse == 3)
        #expect(plan.columns.columnNames == [
            "by_category_lifetime=shoes", "by_category_lifetime=bags", "by_category_lifetime=__other__", "top_lifetime=shoes", "n_lifetime"])
        func ranked(_ word: String, _ count: Int64) -> Value {
            VectorFixture.map(["count": .int(count), "share": .double(0.5), "value": .string(word)])
        }
        let values = [
            VectorFixture.value(VectorFixture.map(["__other__": .int(4), "shoes": .int(2), "toys": .int(3)])),
            VectorFixture.value(VectorFixture.map([
                "shoes": .decimal(units: 1050, scale: 2), "toys": .decimal(units: 10, scale: 2), "zoo": .decimal(units: 20, scale: 2)])),
            VectorFixture.value(.list([ranked("shoes", 9), ranked("bags", 2)])), VectorFixture.value(.int(9)),
        ]
        #expect(dense(plan, values) == [2, 0, 7, 9, 9])
        #expect(sparse(plan, values) == [[1, 10.5], [2, 0.3]])
        #expect(sparse(plan, Array(repeating: VectorFixture.value(.null, .missing), count: 4)).isEmpty)
    }

    @Test func `hashed words add up where they meet`() throws {
        let plan = try VectorFixture.plan("{name: by_category_lifetime, hashed: 1}\n{name: spend_by_lifetime, hashed: 1000}")
        let map = VectorFixture.map(["a": .decimal(units: 10, scale: 2), "b": .decimal(units: 20, scale: 2)])
        let entries = sparse(plan, [VectorFixture.value(VectorFixture.map(["a": .int(1), "b": .int(2)])), VectorFixture.value(map)])
        let a = 1 + Double(Self.hash( "a") % 1000), b = 1 + Double(Self.hash( "b") % 1000)
        #expect(entries == [[0, 3]] + [[a, 0.1], [b, 0.2]].sorted { $0[0] < $1[0] })
        #expect(plan.columns.sparse == 1001 && plan.columns.dense == 0)
    }

    @Test func `the fingerprint is of everything that decides what a column holds`() throws {
        let base = try VectorFixture.plan("n_lifetime\nspend_lifetime").columns.fingerprint
        #expect(base == Self.hash( "n_lifetime:int64\nspend_lifetime:decimal(2)\n"))
        let said = try VectorFixture.plan("""
            {name: spend_lifetime, default: 1.5, clip: [0, null]}
            {name: category_lifetime, one_hot: [a, "b\\""], other: true}
            {name: by_category_lifetime, vocabulary: [x], sparse: true}
            {name: spend_by_lifetime, hashed: 16}
            taste_lifetime
            """).columns.fingerprint
        #expect(said == Self.hash( """
            spend_lifetime:decimal(2) default=1.5 clip=[0,null]
            category_lifetime:string one_hot=["a","b\\""] other
            by_category_lifetime:map<string, int64> vocabulary=["x"] sparse
            spend_by_lifetime:map<string, decimal(2)> hashed=16
            taste_lifetime:list<double>[3]

            """))
    }

    @Test func `whole numbers take whatever has no fraction`() throws {
        #expect(try VectorFixture.plan("n_lifetime\n{name: category_lifetime, one_hot: [a]}\n{name: by_category_lifetime, hashed: 8}").columns.firstFraction == nil)
        #expect(try VectorFixture.plan("n_lifetime\nmean_lifetime").columns.firstFraction?.name == "mean_lifetime")
        let plan = try VectorFixture.plan("n_lifetime\n{name: by_category_lifetime, vocabulary: [a]}")
        var row: [Int64] = [0, 0]
        plan.columns.encode([VectorFixture.value(.null, .missing), VectorFixture.value(VectorFixture.map(["a": .int(3)]))], as: Int64.self) { row[$0] = $1 }
        #expect(row == [.min, 3])
    }

    @Test func `describe shows every column`() throws {
        let text = try VectorFixture.definitions("n_lifetime\n{name: spend_lifetime, default: 0, clip: [0, 9.5]}\n{name: category_lifetime, one_hot: [a, b], other: true}\n{name: by_category_lifetime, hashed: 64}\ntop_lifetime").describe()
        #expect(text.contains("vector of model: 5 columns, 64 sparse columns, schema "))
        #expect(text.contains("  spend_lifetime        decimal(2)          "))
        #expect(text.contains("one-hot [a, b] and others"))
        #expect(text.contains("0.00 .. 9.50"))
        #expect(text.contains("without columns: top_lifetime ("))
    }
}
