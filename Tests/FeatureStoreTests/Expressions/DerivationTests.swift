import FeatureStore
import Testing

/// Formulas over features: values, types, nulls and errors.
@Suite struct DerivationTests {
    static let inputs: [(name: String, type: ValueType, value: Value)] = [
        ("i", .int, .int(7)), ("j", .int, .int(-2)), ("zero", .int, .int(0)), ("big", .int, .int(.max)), ("none", .int, .null),
        ("d", .double, .double(2.5)), ("m", .decimal(scale: 2), .decimal(units: 1999, scale: 2)),
        ("half", .decimal(scale: 1), .decimal(units: -25, scale: 1)),
        ("s", .string, .string("shoes")), ("yes", .bool, .bool(true)), ("nob", .bool, .null), ("nos", .string, .null),
        ("list", .list(.string), .list([.string("a"), .string("b")])),
        ("counts", .map(.int), .map([.init(key: "bags", value: .int(1)), .init(key: "shoes", value: .int(3))])),
        ("sums", .map(.decimal(scale: 2)), .map([.init(key: "shoes", value: .decimal(units: 250, scale: 2))])),
        ("empty", .map(.int), .map([])), ("nomap", .map(.int), .null),
    ]

    static func compile(_ text: String) throws(ExpressionError) -> Derivation {
        try Derivation.compile(text, known: inputs.map(\.name)) { name in inputs.first { $0.name == name }?.type }
    }

    static func evaluate(_ text: String) throws -> Value {
        let derivation = try compile(text)
        return derivation.evaluate { index in inputs.first { $0.name == derivation.inputNames[index] }?.value ?? .null }
    }

    @Test(arguments: [
        // Arithmetic.
        ("i + 1", Value.int(8)), ("i - j * 2", .int(11)), ("(i - j) * 2", .int(18)), ("-i", .int(-7)), ("- -i", .int(7)), ("2 - -3", .int(5)),
        ("i / 2", .double(3.5)), ("i / zero", .null), ("d / 0.0", .null), ("big + 1", .null), ("big * 2", .null), ("big - 1", .int(.max - 1)),
        ("m + 1", .double(20.99)), ("m * m", .double(19.99 * 19.99)), ("1 - 2 - 3", .int(-4)), ("none + 1", .null), ("8 / 4 / 2", .double(1)),
        ("1.5", .decimal(units: 15, scale: 1)), ("-m", .decimal(units: -1999, scale: 2)),
        // Comparisons.
        ("m == 19.99", .bool(true)), ("m == 19.990000000000001", .bool(false)), ("m < 19.990000000000001", .bool(true)), ("m > 19", .bool(true)),
        ("i >= 7 and i <= 7", .bool(true)), ("d == 2.5", .bool(true)), ("big == 9223372036854775807", .bool(true)),
        ("big < 9223372036854775808", .bool(true)), ("none == 0", .null), ("none is null", .bool(true)), ("i is not null", .bool(true)),
        ("s == 'shoes'", .bool(true)), ("s != \"shoes\"", .bool(false)), ("s in (\"a\", \"shoes\")", .bool(true)), ("i not in (1, 2.5)", .bool(true)),
        ("nos in ('a')", .null), ("m in (19.99)", .bool(true)), ("starts_with(s, \"sh\")", .bool(true)), ("starts_with(nos, 'x')", .null),
        ("yes == true", .bool(true)), ("yes != false", .bool(true)),
        // Logic with nulls.
        ("yes and nob", .null), ("nob and false", .bool(false)), ("nob or yes", .bool(true)), ("nob or false", .null), ("not nob", .null),
        ("not yes or yes and not false", .bool(true)),
        // Functions.
        ("min(i, j, 3)", .int(-2)), ("max(i, d)", .double(7)), ("max(m, 1)", .decimal(units: 1999, scale: 2)), ("max(i, none)", .null),
        ("min(m, half)", .decimal(units: -250, scale: 2)), ("abs(j)", .int(2)), ("abs(half)", .decimal(units: 25, scale: 1)),
        ("round(d)", .int(3)), ("round(half)", .int(-3)), ("floor(half)", .int(-3)), ("ceil(half)", .int(-2)), ("round(m)", .int(20)),
        ("floor(i / 2)", .int(3)), ("round(big * 4.0)", .null), ("log(1)", .double(0)), ("log(0)", .null), ("log(j)", .null),
        ("log1p(0)", .double(0)), ("log1p(-1)", .null), ("sqrt(9)", .double(3)), ("sqrt(j)", .null), ("exp(0)", .double(1)), ("exp(1000)", .null),
        ("coalesce(none, 5)", .int(5)), ("coalesce(m, 0)", .decimal(units: 1999, scale: 2)),
        ("coalesce(none, m)", .decimal(units: 1999, scale: 2)), ("coalesce(nos, \"x\")", .string("x")),
        ("if(i > 5, 1, 2)", .int(1)), ("if(nob, 1, 2)", .null), ("if(yes, null, 2)", .null), ("if(i < 5, 1.5, 2)", .decimal(units: 20, scale: 1)),
        ("if(yes, s, nos)", .string("shoes")), ("clamp(i, 0, 5)", .int(5)), ("clamp(j, 0, 5)", .int(0)), ("clamp(i, none, 5)", .null),
        ("clamp(d, 0, 1)", .double(1)),
        ("get(counts, \"shoes\")", .int(3)), ("get(counts, 'hats')", .int(0)), ("get(counts, s)", .int(3)), ("get(nomap, 'a')", .null),
        ("get(counts, nos)", .null), ("get(sums, \"shoes\")", .decimal(units: 250, scale: 2)), ("get(sums, \"x\")", .decimal(units: 0, scale: 2)),
        ("share(counts, \"shoes\")", .double(0.75)), ("share(counts, \"x\")", .double(0)), ("share(empty, \"x\")", .null), ("size(counts)", .int(2)),
        ("size(list)", .int(2)), ("size(nomap)", .null),
    ])
    func evaluates(_ text: String, _ expected: Value) throws {
        #expect(try Self.evaluate(text) == expected, "\(text)")
    }

    @Test(arguments: [
        ("i + j", ValueType.int), ("i / j", .double), ("m + 1", .double), ("coalesce(m, 0)", .decimal(scale: 2)), ("max(i, d)", .double),
        ("if(yes, m, 0.125)", .decimal(scale: 3)), ("i > 1", .bool), ("get(sums, s)", .decimal(scale: 2)), ("list", .list(.string)),
        ("coalesce(list, list)", .list(.string)), ("share(sums, s)", .double), ("s", .string),
    ])
    func types(_ text: String, _ expected: ValueType) throws {
        #expect(try Self.compile(text).type == expected)
    }

    @Test func namesItsInputsOnce() throws {
        #expect(try Self.compile("i / max(j, 1) + i * size(counts)").inputNames == ["i", "j", "counts"])
    }

    @Test func toleratesInputsOfAnotherType() throws {
        for text in ["i + 1", "d * 2", "m > 1", "size(list)", "get(counts, s)", "not yes", "round(d)", "abs(i)", "max(i, j)", "clamp(d, 1, 2)", "share(sums, 'a')"] {
            let derivation = try Self.compile(text)
            for odd in [Value.null, .string("x"), .bool(true), .double(.nan), .decimal(units: .min, scale: 90), .list([]), .map([.init(key: "a", value: .string("b"))]), .int(.min)] {
                _ = derivation.evaluate { _ in odd }
            }
        }
    }

    @Test(arguments: [
        ("i + s", 5, "a number is needed"), ("i = 1", 3, "`=` is not an operator"), ("clikcs", 1, "no feature `clikcs`"), ("i +", 4, "expected a value"),
        ("foo(1)", 1, "no function `foo`"), ("max(1)", 1, "max takes at least 2"), ("if(i, 1, 2)", 4, "a condition is needed"), ("clamp(1, 2)", 1, "clamp takes 3"),
        ("get(i, \"a\")", 5, "get needs a map"), ("get(counts, 1)", 13, "needs a string"), ("coalesce(i, s)", 13, "one type"), ("s < 's'", 3, "compares numbers"),
        ("i == null", 6, "null cannot be compared"), ("i == s", 6, "cannot be compared"), ("null", 1, "always null"), ("counts + 1", 1, "a number is needed"),
        ("1 < i < 2", 7, "chained"), ("i && j", 3, "write `and`"), ("\"abc", 1, "does not end"), ("(i", 3, "close the `(` of column 1"), ("i )", 3, "closes nothing"), ("i j", 3, "unexpected `j`"),
        ("1e5", 2, "write numbers in full"), ("", 1, "empty"), ("   ", 1, "empty"), ("i is 5", 6, "`null`"), ("i in 5", 6, "expected `(`"), ("i in (j)", 7, "not a literal"), ("é", 1, "unexpected character"),
        ("not i", 5, "a condition is needed"), ("size(i)", 6, "size needs a list"), ("list == list", 1, "cannot be compared"),
        ("99999999999999999999999999999999999999", 1, "too many digits"),
    ])
    func refuses(_ text: String, _ column: Int, _ part: String) {
        let error = #expect(throws: ExpressionError.self) { try Self.compile(text) }
        #expect(error?.column == column, "\(text): \(error?.description ?? "")")
        #expect(error?.description.contains(part) == true, "\(text): \(error?.description ?? "")")
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func suggestsTheNearestName() {
        let error = #expect(throws: ExpressionError.self) { try Self.compile("cuonts") }
        #expect(error?.remedy == "did you mean `counts`?")
    }

    @Test(arguments: ["(", "-", "not ", "if(yes, 1, ", "1 + (", "max(1, "])
    func boundsNesting(_ piece: String) {
        #expect(throws: ExpressionError.self) { try Self.compile(String(repeating: piece, count: 1500)) }
        #expect(throws: ExpressionError.self) { try Self.compile(String(repeating: piece, count: 1_000_000)) }
    }

    @Test func boundsChains() throws {
        #expect(throws: ExpressionError.self) { try Self.compile(Array(repeating: "1", count: 1000).joined(separator: "+")) }
        #expect(try Self.evaluate(Array(repeating: "yes", count: 1000).joined(separator: " and ")) == .bool(true))
        #expect(try Self.evaluate(Array(repeating: "1", count: 80).joined(separator: "+")) == .int(80))
    }
}
