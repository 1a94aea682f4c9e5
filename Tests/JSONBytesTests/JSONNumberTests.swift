import Foundation
import JSONBytes
import TestSupport
import Testing

func decimal(_ text: String, _ scale: Int) -> JSONNumber.Parsed {
    Array(text.utf8).withUnsafeBytes { JSONNumber.parseDecimal($0, scale: scale) }
}
func integer(_ text: String) -> JSONNumber.Parsed {
    Array(text.utf8).withUnsafeBytes { JSONNumber.parseInt64($0) }
}

@Suite struct JSONNumberTests {
    @Test(arguments: [
        ("0", 6, 0), ("-0", 6, 0), ("0.0", 0, 0), ("12.5", 2, 1250), ("-12.5", 2, -1250), ("12.99", 2, 1299), ("1", 9, 1_000_000_000),
        ("0.05", 2, 5), ("0.005", 2, 0), ("0.015", 2, 2), ("0.025", 2, 2), ("0.0250001", 2, 3), ("0.035", 2, 4), ("-0.015", 2, -2),
        ("2.5", 0, 2), ("3.5", 0, 4), ("0.5", 0, 0), ("1.5", 0, 2), ("0.50000000000000000000000000001", 0, 1),
        ("1e3", 0, 1000), ("1E+3", 2, 100_000), ("15e-1", 0, 2), ("25e-1", 0, 2), ("5e-1", 0, 0), ("51e-2", 0, 1), ("5e-2", 0, 0),
        ("1e-400", 2, 0), ("0e99999999999999999999", 2, 0), ("0.000000000000000000000000000012e30", 0, 12),
        ("12000000000000000000000000000000e-30", 0, 12), ("1.25e2", 1, 1250), ("999.995", 2, 100_000), ("999.994999", 2, 99_999),
        ("9223372036854775807", 0, .max), ("-9223372036854775808", 0, .min), ("92233720368547758.07", 2, .max),
        ("9223372036854775807.5", 0, nil), ("9223372036854775806.5", 0, 9_223_372_036_854_775_806),
        ("9223372036854775807.49999", 0, .max), ("-9223372036854775808.5", 0, .min),
        ("9.223372036854775807e18", 0, .max), ("9223372036854775808", 0, nil), ("-9223372036854775809", 0, nil),
        ("92233720368547758.08", 2, nil), ("1e19", 0, nil), ("1e99999999999999999999", 0, nil), ("99999999999999999999", 0, nil),
        ("10000000000", 9, nil), ("18446744073709551616", 0, nil),
    ] as [(String, Int, Int64?)])
    func decimals(_ text: String, _ scale: Int, _ units: Int64?) {
        #expect(decimal(text, scale) == units.map { .value($0) } ?? .outOfRange)
    }

    @Test(arguments: [
        "", "-", "+1", ".5", "5.", "01", "-01", "00", "1e", "1e+", "1.e3", "1.2.3", "0x10", " 1", "1 ", "1,2", "NaN", "Infinity", "--1",
        "1e5.5", "1ee5", "12345678901234567890x", "12345678901234567890.", "1_000", "１",
    ])
    func whatIsNoNumber(_ text: String) {
        #expect(decimal(text, 2) == .notANumber)
        #expect(integer(text) == .notANumber)
    }

    @Test(arguments: [
        ("12", 12), ("12.0", 12), ("1.2e1", 12), ("-7", -7), ("120e-1", 12), ("9223372036854775807", .max),
        ("9223372036854775807.000", .max), ("0.0e5", 0),
    ] as [(String, Int64)])
    func wholeNumbers(_ text: String, _ value: Int64) { #expect(integer(text) == .value(value)) }

    @Test(arguments: ["12.5", "1e-1", "0.00000000000000000000000001", "12345678901234567.5", "1e-30", "1.00000000000000000001"])
    func fractionsAreNotWhole(_ text: String) { #expect(integer(text) == .notANumber) }

    /// Foundation's Decimal has 38 digits and rounds as bankers do.
    @Test func randomDecimalsEqualFoundation() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            var text = random.below(2) == 0 ? "-" : ""
            let whole = String(random.next() % [10, 1_000, 1_000_000_000_000, 1_000_000_000_000_000_000][random.below(4)])
            text += whole
            if random.below(3) > 0 {
                text += "."
                for _ in 0...random.below(14) { text += String([0, 5, 9, random.below(10)][random.below(4)]) }
            }
            if random.below(4) == 0 { text += "e\(random.below(13) - 6)" }
            let scale = random.below(10)
            var exact = Foundation.Decimal(string: text, locale: Locale(identifier: "C"))! * pow(10, scale)
            var rounded = Foundation.Decimal()
            NSDecimalRound(&rounded, &exact, 0, .bankers)
            let inRange = rounded <= Foundation.Decimal(Int64.max) && rounded >= Foundation.Decimal(Int64.min)
            let expected: JSONNumber.Parsed = inRange ? .value(Int64("\(rounded)")!) : .outOfRange
            #expect(decimal(text, scale) == expected, "\(text) at \(scale)")
        }
    }

    @Test func integerText() {
        for value: Int64 in [0, 1, 9, 10, 99, 100, -1, -10, .max, .min] {
            withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { room in
                #expect(String(decoding: room[..<JSONNumber.write(value, into: room)], as: UTF8.self) == "\(value)")
            }
        }
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { room in
            #expect(String(decoding: room[..<JSONNumber.write(UInt64.max, into: room)], as: UTF8.self) == "\(UInt64.max)")
        }
    }
}
