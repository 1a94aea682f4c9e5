internal import FeatureStore
internal import Ingest

/// How the request list writes its times.
public enum RequestTimeFormat: String, Sendable, CaseIterable {
    case rfc3339
    case epochSeconds = "epoch_s"
    case epochMilliseconds = "epoch_ms"
    case epochMicroseconds = "epoch_us"

    var unit: Microseconds {
        switch self {
        case .epochSeconds: 1_000_000
        case .epochMilliseconds: 1_000
        case .rfc3339, .epochMicroseconds: 1
        }
    }

    /// µs since the epoch; throws what is wrong and what would be right.
    func parse(_ text: UnsafeRawBufferPointer) throws(ExportError) -> Int64 {
        let shown = "`\(String(decoding: text.prefix(64), as: UTF8.self))`"
        let isNumber = !text.isEmpty && text.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e }
            && text.reduce(0) { $0 + ($1 == 0x2d ? 1 : 0) } <= 1
        let time: Int64
        if self == .rfc3339 {
            if isNumber {
                throw ExportError("the time \(shown) is a number", remedy: "say which: --time-format epoch_s, epoch_ms or epoch_us")
            }
            if let whole = RFC3339.parse(text) {
                time = whole
            } else if text.count == 10, let midnight = Self.midnight(text) {
                time = midnight
            } else if text.count >= 19, Self.withZone(text) {
                throw ExportError("the time \(shown) has no time zone", remedy: "write one, as in 2026-01-31T12:00:00Z or 2026-01-31T12:00:00+01:00")
            } else {
                throw ExportError("\(shown) is not a time", remedy: "write RFC 3339, as in 2026-01-31T12:00:00Z, or numbers and --time-format epoch_s, epoch_ms or epoch_us")
            }
        } else {
            guard let number = Int64(String(decoding: text, as: UTF8.self)) else {
                throw ExportError("\(shown) is not a whole number", remedy: "--time-format is \(rawValue); rfc3339 reads 2026-01-31T12:00:00Z")
            }
            let (micros, overflow) = number.multipliedReportingOverflow(by: unit)
            time = overflow ? .max : micros
        }
        guard Store.validTimes.contains(time) else {
            throw ExportError("the time \(shown) lies outside of 1970-01-02 to 2106-02-07", remedy: self == .rfc3339 ? "check the year" : "check the unit: --time-format is \(rawValue)")
        }
        return time
    }

    private static func midnight(_ text: UnsafeRawBufferPointer) -> Int64? {
        (Array(text) + Array("T00:00:00Z".utf8)).withUnsafeBytes { RFC3339.parse($0) }
    }

    private static func withZone(_ text: UnsafeRawBufferPointer) -> Bool {
        (Array(text) + [UInt8(ascii: "Z")]).withUnsafeBytes { RFC3339.parse($0) != nil }
    }

    /// As the request list writes them; RFC 3339 in UTC, with fractions where there are some.
    func append(_ time: Int64, to text: inout [UInt8]) {
        guard self == .rfc3339 else {
            text.append(contentsOf: String(time / unit).utf8)
            return
        }
        func put(_ number: Int64, _ width: Int) {
            let digits = String(number)
            for _ in digits.utf8.count..<Swift.max(width, digits.utf8.count) { text.append(0x30) }
            text.append(contentsOf: digits.utf8)
        }
        // Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; times are after 1970.
        let z = time / 86_400_000_000 + 719_468
        let era = z / 146_097, dayOfEra = z % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let second = time / 1_000_000 % 86_400, fraction = time % 1_000_000
        put(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4)
        text.append(UInt8(ascii: "-"))
        put(month, 2)
        text.append(UInt8(ascii: "-"))
        put(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, 2)
        text.append(UInt8(ascii: "T"))
        put(second / 3600, 2)
        text.append(UInt8(ascii: ":"))
        put(second / 60 % 60, 2)
        text.append(UInt8(ascii: ":"))
        put(second % 60, 2)
        if fraction > 0 {
            text.append(UInt8(ascii: "."))
            put(fraction, 6)
        }
        text.append(UInt8(ascii: "Z"))
    }
}
