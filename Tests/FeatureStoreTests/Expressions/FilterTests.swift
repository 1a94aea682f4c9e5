import FeatureStore
import TestSupport
import Testing

/// Filters over event fields: tables, and a random comparison with a plain recursive evaluation by definition.
@Suite struct FilterTests {
    static let fields: [FieldDefinition] = [
        .init(name: "page", type: .string), .init(name: "device", type: .string), .init(name: "n", type: .int64),
        .init(name: "k", type: .int64), .init(name: "price", type: .decimal(scale: 2)), .init(name: "rate", type: .decimal(scale: 9)),
        .init(name: "member", type: .bool), .init(name: "guest", type: .bool),
    ]

    /// A field's value for a test.
    enum Cell: Sendable { case null, word(Int64), text(String) }

    static func matches(_ filter: Filter, _ cells: [Cell]) -> Bool {
        let batch = EventBatch(eventCapacity: 4)
        let values = batch.reserveValues(cells.count)
        for (i, cell) in cells.enumerated() {
            switch cell {
            case .null: values[i] = .null
            case .word(let word): values[i] = .integer(word)
            case .text(let text):
                let room = batch.store(byteCount: text.utf8.count)
                room.copyBytes(from: Array(text.utf8))
                values[i] = .string(UnsafeRawBufferPointer(room))
            }
        }
        return filter.matches(values)
    }

    static let event: [Cell] = [.text("/shoes/1"), .text("mobile"), .word(7), .word(-3), .word(5990), .word(1_500_000_000), .word(1), .null]

    @Test(arguments: [
        ("page == \"/shoes/1\"", true), ("page != '/shoes/1'", false), ("'mobile' == device", true), ("page == device", false), ("page != device", true),
        ("page == page", true), ("device in (\"tablet\", \"mobile\")", true), ("device not in ('tablet')", true), ("device in ('')", false),
        ("starts_with(page, \"/shoes\")", true), ("starts_with(page, '/shoes/1/2')", false), ("starts_with(page, '')", true),
        ("n > 6 and n < 8", true), ("7 <= n", true), ("8 <= n", false), ("n == 7.0", true), ("n == 7.5", false), ("n != 7.5", true), ("n < 7.5", true),
        ("n > 7.5", false), ("k > -3.5", true), ("k < -2.5", true), ("k < -3", false), ("k >= -3", true), ("n in (1, 7)", true), ("n not in (1, 2.5)", true),
        ("price == 59.9", true), ("price == 59.90", true), ("price == 59.901", false), ("price < 59.901", true), ("price <= 59.899", false), ("price >= 59.899", true),
        ("price > 59.899999999999999999", true), ("price in (1, 59.90)", true), ("rate == 1.5", true), ("n < 99999999999999999999", true),
        ("n > -99999999999999999999", true), ("n > 99999999999999999999", false), ("rate < 999999999999999999999999999999999999", true),
        ("n + k == 4", true), ("n * price > 419.29", true), ("n * price == 419.3", true), ("price - rate == 58.4", true), ("-k == 3", true), ("n - 1 in (1, 6)", true),
        ("n - 1 not in (1, 6)", false), ("price * 2 == rate * 2", false), ("1 < 2", true), ("(n + 1) is null", false), ("n + 1 is not null", true), ("- (n + 1) == -8", true),
        ("price > rate", true), ("n == k", false),
        ("member", true), ("not member", false), ("member == true", true), ("member != true", false), ("member == guest", false), ("true", true), ("false or member", true),
        // Null: every comparison is false, and `not` turns that around.
        ("guest", false), ("not guest", true), ("guest == false", false), ("guest is null", true), ("guest is not null", false), ("member is null", false),
        ("guest != true", false), ("not (guest == true)", true), ("guest in (true, false)", false), ("guest not in (true)", false), ("not (guest in (true))", true),
        // Precedence.
        ("false and false or true", true), ("true or false and false", true), ("not false and false", false), ("(true or false) and false", false),
        ("n == 7 and (k == 3 or device == \"mobile\") and not (price > 100)", true), ("1 + 2 * 3 == n", true), ("(1 + 2) * 3 == 9", true),
    ])
    func decides(_ text: String, _ expected: Bool) throws {
        #expect(Self.matches(try Filter.compile(text, fields: Self.fields), Self.event) == expected, "\(text)")
    }

    @Test(arguments: [
        "page == 'a'", "page != 'a'", "page == device", "page in ('a')", "page not in ('a')", "starts_with(page, '')", "n == 1", "n != 1", "n < 1", "n >= 1", "n in (1)",
        "n not in (1)", "n < 99999999999999999999", "n != 1.5", "n + k > 0", "n + 1 not in (5)", "member", "member != guest", "price * n < 1", "n is not null",
    ])
    func nullsMatchNothing(_ text: String) throws {
        #expect(!Self.matches(try Filter.compile(text, fields: Self.fields), Self.fields.map { _ in .null }), "\(text)")
    }

    @Test func extremesDoNotTrap() throws {
        let event: [Cell] = [.text(""), .text(""), .word(.min), .word(.max), .word(.max), .word(.min), .word(1), .word(0)]
        for (text, expected) in [
            ("n < k", true), ("n * k * n * k > 0", false), ("n * k * n * k is null", true), ("-n > k", true), ("n - k < 0", true), ("price == 92233720368547758.07", true),
            ("rate < -9223372036.854775807", true), ("n == -9223372036854775808", true), ("k == 9223372036854775807", true), ("k < 9223372036854775808", true),
            ("page == ''", true), ("page == device", true), ("page in ('')", true), ("price * rate * 0.000000000000000001 < 0", true),
        ] {
            #expect(Self.matches(try Filter.compile(text, fields: Self.fields), event) == expected, "\(text)")
        }
        #expect(!Self.matches(try Filter.compile("1 < 2 and 3 < 2", fields: []), []))
    }

    @Test(arguments: [
        ("pgae == 'x'", 1, "did you mean `page`?"), ("page == 5", 9, "cannot be compared"), ("n == 'x'", 6, "without quotes"), ("page > 'a'", 6, "starts_with"),
        ("page", 1, "a condition is needed"), ("n + 1", 3, "a condition is needed"), ("n / 2 > 1", 3, "multiply the other side"), ("n == null", 6, "is null"),
        ("page + 1 > 2", 1, "arithmetic needs numbers"), ("abs(n) > 1", 1, "derived features"), ("starts_with(n, 'a')", 13, "string field"),
        ("starts_with(page, device)", 19, "string in quotes"), ("starts_with(page)", 1, "takes 2"), ("n in ('a')", 7, "cannot be compared"), ("(n > 1) == true", 4, "combine conditions"),
        ("(n > 1) is null", 4, "never null"), ("member > false", 8, "bool"), ("n > 1 and price >", 18, "expected a value"), ("5", 1, "a condition is needed"), ("null", 1, "is null"),
        ("n in ()", 7, "not a literal"), ("page in ('a' 'b')", 14, "expected `,`"), ("'a' in ('a')", 1, "`in` needs a field"),
    ])
    func refuses(_ text: String, _ column: Int, _ part: String) {
        let error = #expect(throws: ExpressionError.self) { try Filter.compile(text, fields: Self.fields) }
        #expect(error?.column == column, "\(text): \(error?.description ?? "")")
        #expect(error?.description.contains(part) == true, "\(text): \(error?.description ?? "")")
    }

    // MARK: Against a reference

    /// A random condition as text, with its value by definition for one event.
    struct Random {
        var generator: SeededGenerator
        var event: [Cell] = []

        mutating func makeEvent() {
            event = FilterTests.fields.map { field in
                if generator.below(5) == 0 { return .null }
                switch field.type {
                case .string: return .text(["", "a", "ab", "b"][generator.below(4)])
                case .bool: return .word(Int64(generator.below(2)))
                default: return .word(Int64(generator.below(9)) - 4)
                }
            }
        }

        /// Units of 10^-12, exact for the small numbers here.
        mutating func number(_ depth: Int) -> (String, Int128?) {
            switch generator.below(depth > 0 ? 6 : 2) {
            case 0:
                let i = 2 + generator.below(4)
                guard case .word(let word) = event[i] else { return (FilterTests.fields[i].name, nil) }
                let factor: Int128 = [1_000_000_000_000, 1_000_000_000_000, 10_000_000_000, 1_000][i - 2]
                return (FilterTests.fields[i].name, Int128(word) * factor)
            case 1:
                let tenths = generator.below(60) - 30
                return ("\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)", Int128(tenths) * 100_000_000_000)
            case 2:
                let (text, value) = number(depth - 1)
                return ("-(\(text))", value.map { -$0 })
            case 3:
                let (text, value) = number(depth - 1), times = generator.below(4)
                return ("(\(text)) * \(times)", value.map { $0 * Int128(times) })
            case 4:
                let (a, x) = number(depth - 1), (b, y) = number(depth - 1)
                return ("(\(a)) + (\(b))", x.flatMap { x in y.map { x + $0 } })
            default:
                let (a, x) = number(depth - 1), (b, y) = number(depth - 1)
                return ("(\(a)) - (\(b))", x.flatMap { x in y.map { x - $0 } })
            }
        }

        mutating func string() -> (String, String?) {
            let i = generator.below(2)
            if case .text(let text) = event[i] { return (FilterTests.fields[i].name, text) }
            return (FilterTests.fields[i].name, nil)
        }

        mutating func condition(_ depth: Int) -> (String, Bool) {
            switch generator.below(depth > 0 ? 9 : 6) {
            case 0:
                let (a, x) = number(2), (b, y) = number(2)
                let symbol = ["==", "!=", "<", "<=", ">", ">="][generator.below(6)]
                guard let x, let y else { return ("\(a) \(symbol) \(b)", false) }
                let holds =
                    switch symbol {
                    case "==": x == y
                    case "!=": x != y
                    case "<": x < y
                    case "<=": x <= y
                    case ">": x > y
                    default: x >= y
                    }
                return ("\(a) \(symbol) \(b)", holds)
            case 1:
                let (a, x) = number(1), list = [number(0), number(0)].filter { Double($0.0) != nil }
                guard !list.isEmpty else { return ("(\(a)) is null", x == nil) }
                let negated = generator.below(2) == 1
                let members = list.map(\.0).joined(separator: ", ")
                return ("(\(a)) \(negated ? "not " : "")in (\(members))", x.map { x in list.contains { $0.1 == x } != negated } ?? false)
            case 2:
                let (a, x) = string(), negated = generator.below(2) == 1
                return ("\(a) \(negated ? "not in" : "in") ('a', \"\")", x.map { ["a", ""].contains($0) != negated } ?? false)
            case 3:
                let (a, x) = string(), (b, y) = string()
                return ("\(a) != \(b)", x.flatMap { x in y.map { x != $0 } } ?? false)
            case 4:
                let (a, x) = string()
                return ("starts_with(\(a), \"a\")", x?.hasPrefix("a") ?? false)
            case 5:
                let i = 6 + generator.below(2)
                if case .word(let word) = event[i] { return (FilterTests.fields[i].name, word == 1) }
                return (FilterTests.fields[i].name, false)
            case 6:
                let (a, x) = condition(depth - 1)
                return ("not (\(a))", !x)
            case 7:
                let parts = (0...1 + generator.below(2)).map { _ in condition(depth - 1) }
                return (parts.map { "(\($0.0))" }.joined(separator: " and "), parts.allSatisfy(\.1))
            default:
                let parts = (0...1 + generator.below(2)).map { _ in condition(depth - 1) }
                return (parts.map { "(\($0.0))" }.joined(separator: " or "), parts.contains(where: \.1))
            }
        }
    }

    @Test func equalsAReference() throws {
        var random = Random(generator: SeededGenerator(seed: 7))
        var accepted = 0
        for _ in 0..<5000 {
            random.makeEvent()
            let (text, expected) = random.condition(3)
            let got = Self.matches(try Filter.compile(text, fields: Self.fields), random.event)
            try #require(got == expected, "\(text) on \(random.event)")
            if got { accepted += 1 }
        }
        #expect(accepted > 1000 && accepted < 4000)
    }
}
