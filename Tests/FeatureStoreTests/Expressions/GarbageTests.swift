import FeatureStore
import TestSupport
import Testing

/// Any text gives a program or an error with a place in it; nothing traps and nothing hangs.
@Suite struct GarbageTests {
    static let alphabet = [
        "(", ")", ",", "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "in", "is", "null", "true", "false", "\"a\"", "'", "\"", "\\",
        "n", "page", "price", "member", "counts", "list", "x", "0", "1.5", "1.", ".5", "99999999999999999999", "min", "max", "if", "get", "coalesce", "starts_with",
        "(n", "(page, 'a')", "=", "!", "&&", "é", "\n", "\u{0}", "size(list)", "is not null", "in (1, 2)", "n +", "and n > 1", "clamp(", "round(", "share(counts, \"a\")",
    ]

    @Test func neverTraps() {
        var generator = SeededGenerator(seed: 42)
        var compiled = 0
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<1 + generator.below(14) {
                text += Self.alphabet[generator.below(Self.alphabet.count)]
                if generator.below(4) > 0 { text += " " }
            }
            compiled += check(text)
        }
        // The alphabet makes some sense now and then.
        #expect(compiled > 100)
    }

    @Test func neverTrapsOnChangedExpressions() {
        var generator = SeededGenerator(seed: 43)
        let good = [
            "n > 1 and (page == \"a\" or not member) and price * 2 - 1.5 <= 7", "page in ('a', 'b') or starts_with(page, \"/x\") or n is not null",
            "if(n > 1, get(counts, \"a\") / max(n, 1), coalesce(price, 0))", "clamp(log1p(n), 0, 10) + size(list) * share(counts, page)",
        ].map { Array($0.unicodeScalars) }
        for _ in 0..<10_000 {
            var scalars = good[generator.below(good.count)]
            for _ in 0...generator.below(3) {
                let at = generator.below(scalars.count)
                switch generator.below(3) {
                case 0: scalars.remove(at: at)
                case 1: scalars.insert(Unicode.Scalar(UInt8(generator.below(128))), at: at)
                default: scalars.swapAt(at, generator.below(scalars.count))
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            _ = check(String(view))
        }
    }

    /// Compiles and runs the text in both uses; how many of them accepted it.
    private func check(_ text: String) -> Int {
        var accepted = 0
        let length = text.unicodeScalars.count
        do {
            let filter = try Filter.compile(text, fields: FilterTests.fields)
            _ = FilterTests.matches(filter, FilterTests.event)
            accepted += 1
        } catch {
            #expect(error.column >= 1 && error.column <= length + 1, "\(text)")
        }
        let types: [String: ValueType] = [
            "n": .int, "page": .string, "price": .decimal(scale: 2), "member": .bool, "counts": .map(.int), "list": .list(.string),
        ]
        let values: [String: Value] = [
            "n": .int(.max), "page": .string("a"), "price": .decimal(units: .max, scale: 2), "member": .bool(true),
            "counts": .map([.init(key: "a", value: .int(2))]), "list": .list([]),
        ]
        do {
            let derivation = try Derivation.compile(text, inputs: { types[$0] })
            _ = derivation.evaluate { values[derivation.inputNames[$0]] ?? .null }
            accepted += 1
        } catch {
            #expect(error.column >= 1 && error.column <= length + 1, "\(text)")
        }
        return accepted
    }
}
