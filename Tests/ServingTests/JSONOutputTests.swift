import FeatureStore
import Serving
import Testing

@Suite struct JSONOutputTests {
    private func written(_ write: (inout JSONOutput) -> Void) -> String {
        var out = JSONOutput(capacity: 16)
        write(&out)
        return out.bytes.text
    }

    @Test(arguments: [
        (Int128(0), 0, "0"), (0, 6, "0"), (5, 0, "5"), (5, 3, "0.005"), (-5, 3, "-0.005"), (12, 2, "0.12"), (12_340, 3, "12.34"),
        (100, 2, "1"), (-1_000_000, 6, "-1"), (1_200, 0, "1200"), (1, 9, "0.000000001"),
        (Int128.max, 0, "170141183460469231731687303715884105727"), (Int128.min, 0, "-170141183460469231731687303715884105728"),
        (Int128.min, 6, "-170141183460469231731687303715884.105728"), (Int128(UInt64.max), 20, "0.18446744073709551615"),
        (Int128.max, 39, "0.170141183460469231731687303715884105727"), (1, 64, "0." + String(repeating: "0", count: 63) + "1"),
    ])
    func writesDecimalsExactly(_ units: Int128, _ scale: Int, _ expected: String) {
        #expect(written { $0.decimal(units: units, scale: scale) } == expected)
    }

    @Test(arguments: [(Int64.min, "-9223372036854775808"), (Int64.max, "9223372036854775807"), (0, "0"), (-7, "-7")])
    func writesIntegers(_ value: Int64, _ expected: String) {
        #expect(written { $0.integer(value) } == expected)
    }

    @Test(arguments: [(0.1, "0.1"), (-0.0, "-0.0"), (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"), (.infinity, "null"), (.nan, "null")])
    func writesDoubles(_ value: Double, _ expected: String) {
        #expect(written { $0.double(value) } == expected)
    }

    @Test(arguments: [
        ("plain", #""plain""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t\u{1}\u{1f}", #""\n\r\t\u0001\u001f""#), ("héllo 🛒", "\"héllo 🛒\""), ("", "\"\""),
    ])
    func escapesStrings(_ text: String, _ expected: String) {
        #expect(written { $0.string(text) } == expected)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_767_225_599_123_456, "2025-12-31T23:59:59.123456Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (Int64.max, "+294247-01-10T04:00:54.775807Z"), (Int64.min, "-290308-12-21T19:59:05.224192Z"),
    ])
    func writesTimes(_ microseconds: Int64, _ expected: String) {
        #expect(written { $0.time(microseconds) } == "\"\(expected)\"")
    }

    @Test func writesNestedValues() {
        let value = Value.list([.null, .bool(true), .double(1.5), .map([.init(key: "k\n", value: .list([]))]), .decimal(units: 50, scale: 1)])
        #expect(written { $0.value(value) } == #"[null,true,1.5,{"k\n":[]},5]"#)
    }
}
