import FeatureStore
import Foundation
import Ingest
import Testing

private func time(_ format: EventTime.Format, _ json: String) -> Int64? {
    decoder(.string, time: format).decode(#"{"k":"a","t":\#(json)}"#).event?.time
}

@Suite struct DecodeTimeTests {
    @Test(arguments: [
        ("1700000000", 1_700_000_000_000_000), ("1700000000.25", 1_700_000_000_250_000), (#""1700000000.25""#, 1_700_000_000_250_000),
        ("1.7e9", 1_700_000_000_000_000), ("1700000000.0000005", 1_700_000_000_000_000), ("86400", 86_400_000_000), ("86399.999999", nil),
        ("4294944000", 4_294_944_000_000_000), ("4294944000.000001", nil), ("0", nil), ("-1", nil), ("1e300", nil), ("true", nil), (#""x""#, nil),
        ("null", nil), ("1700000000000", nil), (#""2026-03-01T12:00:00Z""#, nil),
    ] as [(String, Int64?)])
    func seconds(_ json: String, _ micros: Int64?) { #expect(time(.epochSeconds, json) == micros) }

    @Test func millisecondsAndMicroseconds() {
        #expect(time(.epochMilliseconds, "1700000000123") == 1_700_000_000_123_000)
        #expect(time(.epochMilliseconds, "1700000000123.4567") == 1_700_000_000_123_457)
        #expect(time(.epochMicroseconds, "1700000000123456") == 1_700_000_000_123_456)
        #expect(time(.epochMicroseconds, #""1700000000123456""#) == 1_700_000_000_123_456)
        #expect(time(.epochMicroseconds, "1700000000") == nil)
    }

    @Test(arguments: [
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000), ("2023-11-14t22:13:20z", 1_700_000_000_000_000), ("2023-11-14 22:13:20Z", 1_700_000_000_000_000),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000_000_000), ("2023-11-14T16:43:20-05:30", 1_700_000_000_000_000),
        ("2023-11-14T22:13:20.1Z", 1_700_000_000_100_000), ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456),
        ("2023-11-14T22:13:20.000000999+00:00", 1_700_000_000_000_000), ("2023-11-14T22:13:20-00:00", 1_700_000_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_999_999), ("2016-12-31T23:59:60.5Z", 1_483_228_799_999_999),
        ("2017-01-01T05:29:60+05:30", 1_483_228_799_999_999), ("2024-02-29T00:00:00Z", 1_709_164_800_000_000), ("2000-02-29T00:00:00Z", 951_782_400_000_000),
        ("1970-01-02T00:00:00Z", 86_400_000_000), ("2106-02-07T00:00:00Z", 4_294_944_000_000_000),
        ("2016-12-31T12:00:60Z", nil), ("2023-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil), ("2023-04-31T00:00:00Z", nil),
        ("2023-13-01T00:00:00Z", nil), ("2023-00-01T00:00:00Z", nil), ("2023-01-00T00:00:00Z", nil), ("2023-01-01T24:00:00Z", nil),
        ("2023-01-01T00:60:00Z", nil), ("2023-01-01T00:00:61Z", nil), ("2023-01-01T00:00:00", nil), ("2023-01-01T00:00:00.Z", nil),
        ("2023-01-01T00:00:00.1234567890Z", nil), ("2023-01-01T00:00:00+0200", nil), ("2023-01-01T00:00:00+24:00", nil), ("2023-01-01T00:00:00+02:60", nil),
        ("2023-01-01T00:00:00Zx", nil), ("2023-01-01", nil), ("", nil), ("23-01-01T00:00:00Z", nil), ("2023-1-01T00:00:00ZZ", nil),
        ("1970-01-01T23:59:59Z", nil), ("2106-02-07T00:00:00.000001Z", nil), ("0000-01-01T00:00:00Z", nil), ("9999-12-31T23:59:59Z", nil),
        ("2023-01-01T00:00:00,5Z", nil), ("2023-01-01X00:00:00Z", nil), ("+023-01-01T00:00:00Z", nil),
    ] as [(String, Int64?)])
    func rfc3339(_ text: String, _ micros: Int64?) { #expect(time(.rfc3339, "\"\(text)\"") == micros) }

    @Test func rfc3339EqualsFoundationOnEveryDay() {
        let formatter = ISO8601DateFormatter()
        let decoder = decoder(.string, time: .rfc3339)
        for day in 1..<49_709 {
            let seconds = Double(day) * 86_400 + Double(day * 7919 % 86_400) * (day < 49_000 ? 1 : 0)
            let text = formatter.string(from: Date(timeIntervalSince1970: seconds))
            #expect(decoder.decode(#"{"k":"a","t":"\#(text)"}"#).event?.time == Int64(seconds) * 1_000_000, "\(text)")
        }
    }

    @Test func theRecordsOwnTime() {
        let kafka = decoder(.string, time: .kafka)
        #expect(kafka.decode(#"{"k":"a"}"#, recordTime: 1_700_000_000_000_000).event?.time == 1_700_000_000_000_000)
        #expect(kafka.decode(#"{"k":"a"}"#).fault == "malformed: time is the record's timestamp, and the record has none (byte 0)")
        #expect(kafka.decode(#"{"k":"a"}"#, recordTime: 5).fault == "malformed: time is not between 1970-01-02 and 2106-02-07 (byte 0)")
    }
}
