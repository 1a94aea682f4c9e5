import FeatureStore
import Foundation
import TestSupport
import Testing

/// Where days, weeks and months begin, at the dates on which clocks do odd things; and everywhere against Foundation's tables.
@Suite struct CalendarWindows {
    private static func time(_ text: String) -> Int64 {
        Int64(try! Date(text, strategy: .iso8601).timeIntervalSince1970) * 1_000_000
    }

    private static func text(_ time: Int64) -> String { Date(timeIntervalSince1970: Double(time) / 1e6).ISO8601Format() }

    private static func start(
        _ unit: CalendarWindow.Unit, _ zone: String, at text: String, weekStart: CalendarWindow.Weekday = .monday
    ) throws -> String {
        Self.text(CalendarWindow(unit, days: try .named(zone), weekStart: weekStart).start(at: time(text)))
    }

    @Test(arguments: [
        // Summer time begins: a day of 23 hours.
        ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z"), ("Europe/Berlin", "2026-03-30T00:00:00Z", "2026-03-29T22:00:00Z"),
        // It ends: a day of 25.
        ("Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-24T22:00:00Z"), ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-25T23:00:00Z"),
        ("America/New_York", "2026-03-08T20:00:00Z", "2026-03-08T05:00:00Z"), ("America/New_York", "2026-03-09T04:00:00Z", "2026-03-09T04:00:00Z"),
        // Behind the end of the file's table, by its rule.
        ("Europe/Berlin", "2099-07-01T12:00:00Z", "2099-06-30T22:00:00Z"), ("Europe/Berlin", "2100-01-01T12:00:00Z", "2099-12-31T23:00:00Z"),
        // 30 and 45 minutes.
        ("Asia/Kolkata", "2026-01-01T18:29:59Z", "2025-12-31T18:30:00Z"), ("Asia/Kolkata", "2026-01-01T18:30:00Z", "2026-01-01T18:30:00Z"),
        ("Asia/Kathmandu", "2026-01-01T20:00:00Z", "2026-01-01T18:15:00Z"), ("Australia/Lord_Howe", "2026-04-05T12:00:00Z", "2026-04-04T13:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T13:30:00Z", "2026-04-05T13:30:00Z"), ("Pacific/Chatham", "2026-01-01T12:00:00Z", "2026-01-01T10:15:00Z"),
        // Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z"), ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        // Kwajalein had no 21 August 1993 (the 20th ended it).
        ("Pacific/Kwajalein", "1993-08-21T13:00:00Z", "1993-08-21T12:00:00Z"),
        // Clocks go from 0:00 to 1:00: the day begins at 1:00.
        ("America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z"), ("Asia/Beirut", "2021-03-28T12:00:00Z", "2021-03-27T22:00:00Z"),
        // They go back from 0:01 to 23:01: the day had begun.
        ("America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z"), ("America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z"),
        ("UTC", "2106-02-07T06:28:15Z", "2106-02-07T00:00:00Z"), ("Pacific/Kiritimati", "1970-01-02T00:00:00Z", "1970-01-01T10:40:00Z"),
    ])
    func `today begins at local midnight`(zone: String, at: String, begin: String) throws {
        #expect(try Self.start(.today, zone, at: at) == begin)
    }

    @Test func `weeks begin on the day that is asked for`() throws {
        #expect(try Self.start(.thisWeek, "Europe/Berlin", at: "2026-11-25T21:00:00Z") == "2026-11-22T23:00:00Z")
        #expect(try Self.start(.thisWeek, "Europe/Berlin", at: "2026-11-22T22:59:59Z") == "2026-11-15T23:00:00Z")
        #expect(try Self.start(.thisWeek, "Europe/Berlin", at: "2026-11-22T22:59:59Z", weekStart: .sunday) == "2026-11-21T23:00:00Z")
        // Over the end of summer time.
        #expect(try Self.start(.thisWeek, "America/New_York", at: "2026-11-04T12:00:00Z", weekStart: .saturday) == "2026-10-31T04:00:00Z")
        #expect(try Self.start(.thisWeek, "UTC", at: "1970-01-02T00:00:00Z") == "1969-12-29T00:00:00Z")
    }

    @Test func `months begin on the first`() throws {
        #expect(try Self.start(.monthToDate, "Europe/Berlin", at: "2026-04-15T12:00:00Z") == "2026-03-31T22:00:00Z")
        #expect(try Self.start(.monthToDate, "Europe/Berlin", at: "2026-03-31T21:59:59Z") == "2026-02-28T23:00:00Z")
        #expect(try Self.start(.monthToDate, "UTC", at: "2024-02-29T23:59:59Z") == "2024-02-01T00:00:00Z")
        #expect(try Self.start(.monthToDate, "UTC", at: "2100-03-01T00:00:00Z") == "2100-03-01T00:00:00Z")
    }

    /// Whole decades, at changes and between them; every edge is at or before its time, and within what is kept for it.
    @Test(arguments: [
        "Europe/Berlin", "Europe/Dublin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Santiago",
        "America/Godthab", "Africa/Casablanca", "Africa/Cairo", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Gaza", "Asia/Pyongyang",
        "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Norfolk",
        "Antarctica/Troll", "Antarctica/Casey", "UTC",
    ])
    func `edges are those of Foundation's offsets`(zone: String) throws {
        var random = SeededGenerator(seed: 7)
        let days = try CalendarDays.named(zone), oracle = OracleCalendar.of(zone)
        for _ in 0..<150 {
            // Up to 2037: the rules of later years are no facts.
            let time = random.int64(.days(2) ... .days(24_800))
            for unit in CalendarWindow.Unit.allCases {
                let window = CalendarWindow(unit, days: days, weekStart: random.pick(CalendarWindow.Weekday.allCases))
                let expected = oracle.start(window, at: time)
                for near in [time, expected, expected + 1, expected - 1] where near > .days(2) {
                    let start = window.start(at: near)
                    #expect(start == oracle.start(window, at: near), "\(unit) of \(zone) at \(Self.text(near)): \(Self.text(start))")
                    #expect(start <= near && near - start < window.reach)
                }
            }
        }
    }

    /// SEMANTICS section 4: since 1982 tiles of 15 minutes begin where days do.
    @Test func `every day since 1982 begins on a quarter of an hour`() throws {
        let directory = ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo"
        let list = try String(contentsOfFile: directory + "/tzdata.zi", encoding: .utf8)
        let zones = list.split(separator: "\n").filter { $0.hasPrefix("Z ") }.map { String($0.split(separator: " ")[1]) }
        #expect(zones.count > 250)
        for zone in zones {
            let window = CalendarWindow(.today, days: try .named(zone))
            for day in stride(from: Int64(4383), to: 49_700, by: 1) {
                let start = window.start(at: day * .days(1) + .hours(13))
                if start % CalendarWindow.hop != 0 { Issue.record("\(zone): \(Self.text(start))"); break }
            }
        }
    }

    @Test func `a zone that does not exist is said so`() {
        for (zone, part) in [("Europe/Berln", "no time zone"), ("../etc/passwd", "no time zone"), ("Europe", "no time zone"), ("", "no time zone")] {
            do {
                _ = try CalendarDays.named(zone)
                Issue.record("\(zone) exists")
            } catch {
                #expect(error.description.contains(part))
                if zone == "Europe/Berln" { #expect(error.remedy.contains("`Europe/Berlin`")) }
            }
        }
    }
}
