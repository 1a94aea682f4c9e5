import FeatureStore
import Foundation
import Ingest
import Testing

@Suite struct LogLinesTests {
    let fixture = LogFixture()

    private func click(_ n: Int) -> String {
        #"{"customer":"c\#(n)","time":\#(1_700_000_000 + n),"product":{"id":"p\#(n)","price":\#(n).50},"seen":true}"#
    }
    private func event(_ n: Int) -> String { "0 \(1_700_000_000 + n) c\(n)|p\(n)|\(n * 100 + 50)|1" }

    @Test func plainEvents() {
        let path = fixture.write("clicks.ndjson", "\u{feff}\(click(1))\r\n\n  \n\(click(2))\n\(click(3))")
        let result = fixture.run(fixture.options([path]))
        #expect(result.error == nil)
        #expect(result.events == [event(1), event(2), event(3)])
        #expect(result.records == 3)
    }

    @Test func theStreamIsToldByNameOrOption() {
        fixture.write("in/purchases/2026.ndjson", #"{"customer":"a","time":1700000000,"n":7}"#)
        #expect(fixture.run(fixture.options([fixture.path("in")])).events == ["1 1700000000 a|7"])
        var options = fixture.options([fixture.write("x.ndjson", click(1))])
        #expect(fixture.run(options).error == "x.ndjson: its records do not say which stream they belong to, nor does its name; say `--stream NAME`: clicks, purchases")
        options.stream = "clicks"
        #expect(fixture.run(options).events == [event(1)])
        options.stream = "click"
        #expect(fixture.run(options).error == "the definitions have no stream `click`; did you mean `clicks`?")
    }

    @Test func envelopesAsTheGeneratorWritesThem() {
        let path = fixture.write("events.ndjson", """
            {"topic":"clicks","key":"c1","value":\(click(1))}
            {"topic":"shop.purchases","key":"a","value":{"customer":"a","time":1700000000,"n":7}}
            {"topic":"clicks","key":"c1","value":not json}
            {"topic":"clicks","key":"c1","value":{"customer":"c1","time":17000}
            {"topic":"elsewhere","key":"c1","value":{"x":1}}
            {"topic":"clicks","key":"c1","value":null}
            {"value":\(click(2)),"timestamp_ms":1700000000123,"partition":3,"offset":17,"topic":"clicks"}
            {"topic":"clicks","value":"{\\"customer\\":\\"c9\\",\\"time\\":1700000009}"}
            {"topic":"clicks","value":17}
            {"no":"envelope"}
            """)
        let result = fixture.run(fixture.options([path]))
        #expect(result.error == nil)
        #expect(result.events == [
            event(1), "1 1700000000 a|7", event(2) + " @3:17 t1700000000123000", "0 1700000009 c9|null|null|null",
        ])
        #expect(result.drops == ["0 malformed -1", "0 malformed -1", "0 empty -1", "0 malformed -1", "-1 malformed -1"])
        #expect(result.otherTopics == 1)
        #expect(result.faults == [
            "events.ndjson:3 (byte 207): clicks: the record has a byte that JSON does not allow here (byte 38)",
            "events.ndjson:4 (byte 254): clicks: the record ends in the middle of its JSON (byte 67)",
            "events.ndjson:9 (byte 676): clicks: the record is not a JSON object (byte 0)",
            "events.ndjson:10 (byte 680): the record is no envelope with `topic` and `value` or `payload` (byte 0)",
        ])
    }

    @Test func envelopesOfKcat() {
        func line(_ offset: Int, _ n: Int, partition: Int = 0) -> String {
            let payload = click(n).replacing("\"", with: "\\\"")
            return #"{"topic":"clicks","partition":\#(partition),"offset":\#(offset),"tstype":"create","ts":\#(1_700_000_000_000 + n),"broker":1,"key":"k","payload":"\#(payload)"}"#
        }
        let path = fixture.write("dump.json", [
            line(5, 1), line(6, 2), line(9, 3), line(1, 4, partition: 2),
            #"{"topic":"clicks","partition":0,"offset":10,"tstype":"create","ts":-1,"key":null,"payload":null}"#,
        ].joined(separator: "\n") + "\n")
        let result = fixture.run(fixture.options([path]))
        #expect(result.error == nil)
        #expect(result.events == [
            event(1) + " @0:5 t1700000000001000", event(2) + " @0:6 t1700000000002000", event(3) + " @0:9 t1700000000003000",
            event(4) + " @2:1 t1700000000004000",
        ])
        #expect(result.drops == ["0 empty 0"])
        #expect(result.spans == ["0[0] 5-10 -2", "0[2] 1-1 -0"])
    }

    @Test func offsetsThatGoBackAreAnError() {
        func line(_ offset: Int) -> String { #"{"topic":"clicks","partition":1,"offset":\#(offset),"ts":1,"payload":null}"# + "\n" }
        let one = fixture.write("1.json", line(5) + line(6)), two = fixture.write("2.json", line(6) + line(7))
        #expect(fixture.run(fixture.options([one, two])).error
            == "2.json: offset 6 of clicks[1] does not come after the one before it; name the files in the order of the topic, and each record once")
        let back = fixture.write("3.json", line(5) + line(5))
        #expect(fixture.run(fixture.options([back])).error?.hasPrefix("3.json:2: offset 5 of clicks[1] does not come after") == true)
    }

    @Test func brokenLinesAreCountedAndTheFirstFewShown() {
        let path = fixture.write("clicks.ndjson", "\(click(1))\nnot json\n\(click(2))\n{\"customer\":\"x\"}\n\u{7b}\"customer\":\"\n")
        let result = fixture.run(fixture.options([path]))
        #expect(result.events == [event(1), event(2)])
        #expect(result.drops == Array(repeating: "0 malformed -1", count: 3))
        #expect(result.faults == [
            "clicks.ndjson:2 (byte 83): clicks: the record is not a JSON object (byte 0)",
            "clicks.ndjson:4 (byte 175): clicks: time (time) is required and missing (byte 0)",
            "clicks.ndjson:5 (byte 192): clicks: the record ends in the middle of its JSON (byte 13)",
        ])
        var options = fixture.options([path])
        options.maxFaults = 1
        #expect(fixture.run(options).faults.count == 1)
        #expect(fixture.run(options).drops.count == 3)
    }

    @Test func otherEncodings() {
        let utf16 = fixture.write("clicks.ndjson", [0xff, 0xfe] + Array(click(1).utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
        #expect(fixture.run(fixture.options([utf16])).error?.contains("the file is not UTF-8") == true)
        let bare = fixture.write("clicks2.ndjson", Array(click(1).utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
        #expect(fixture.run(fixture.options([bare])).error?.contains("the file is not UTF-8") == true)
        // One Latin-1 line among others is one malformed event.
        let latin = fixture.write("clicks3.ndjson", Array("\(click(1))\n{\"customer\":\"".utf8) + [0xe9] + Array("\",\"time\":1700000000}\n\(click(2))\n".utf8))
        let result = fixture.run(fixture.options([latin]))
        #expect(result.events == [event(1), event(2)])
        #expect(result.faults == ["clicks3.ndjson:2 (byte 83): clicks: the record is not valid UTF-8 (byte 13)"])
    }

    @Test func arraysAndLongLinesAreErrors() {
        #expect(fixture.run(fixture.options([fixture.write("clicks.json", "[\(click(1))]")])).error
            == "clicks.json:1 (byte 0): the file is one JSON array, not an object per line; convert it, as with `jq -c '.[]'`")
        var options = fixture.options([fixture.write("clicks1.json", "\(click(1))\n\(click(2))\n{\"x\":\"\(String(repeating: "x", count: 300))\"}\n")])
        options.maxRecordBytes = 200
        #expect(fixture.run(options).error == "clicks1.json:3 (byte 166): the line has more than 200 bytes; are its lines ended by line feeds?")
        // Also when it does not fit a block.
        options.blockBytes = 64
        let result = fixture.run(options)
        #expect(result.error?.contains("more than 200 bytes") == true)
        #expect(result.events == [event(1), event(2)])
    }

    @Test func cutsByTime() {
        var options = fixture.options([fixture.write("clicks.ndjson", (0..<10).map(click).joined(separator: "\n"))])
        options.from = 1_700_000_003_000_000
        options.until = 1_700_000_005_000_000
        let result = fixture.run(options)
        #expect(result.events == [event(3), event(4)])
        #expect(result.outside == 8)
    }

    /// Any size of block and number of threads gives the same events in the same order, and any chunk's end is a place to go on.
    @Test func blocksAndPositionsDoNotMatter() {
        let lines = (0..<500).map { $0 % 50 == 7 ? "broken \($0)" : click($0) }
        fixture.write("clicks-1.ndjson", lines[..<200].joined(separator: "\n"))
        fixture.write("clicks-2.ndjson", "")
        fixture.write("clicks-3.ndjson", lines[200...].joined(separator: "\n") + "\n")
        let gz = fixture.compress("gzip", "clicks-3.ndjson")
        let paths = [fixture.path("clicks-1.ndjson"), fixture.path("clicks-2.ndjson"), gz]
        var options = LogOptions(paths: paths, threads: 1, maxFaults: 100)
        let whole = fixture.run(options)
        #expect(whole.error == nil)
        #expect(whole.records == 500)
        #expect(whole.faults.last == "clicks-3.ndjson.gz:258 (byte \(lines[200..<457].joined(separator: "\n").utf8.count + 1)): clicks: the record is not a JSON object (byte 0)")
        var ends: [LogPosition] = []
        for (block, threads) in [(100, 1), (300, 4), (4096, 2), (1 << 20, 3)] {
            options.blockBytes = block
            options.threads = threads
            let again = fixture.run(options)
            #expect(again.events == whole.events)
            #expect(again.faults == whole.faults)
            if block == 300 { ends = again.ends }
        }
        options.blockBytes = 1000
        for stop in [1, 7, 40, 100] where stop < ends.count {
            options.blockBytes = 300
            let first = fixture.run(options, stopAfter: stop)
            #expect(first.ends.last == ends[stop - 1])
            options.blockBytes = 1000
            let second = fixture.run(options, from: ends[stop - 1])
            #expect(first.events + second.events == whole.events)
            #expect(first.faults + second.faults == whole.faults)
            #expect(LogPosition(ends[stop - 1].description) == ends[stop - 1])
        }
        // Chunks of a coarser run end where they are told to, too.
        options.blockBytes = 1 << 20
        let cuts = [ends[3], ends[40], ends[10]]
        let cut = fixture.run(options, cuts: cuts)
        #expect(cut.events == whole.events)
        for place in cuts { #expect(cut.ends.contains(place)) }
    }
}
