import Export
import FeatureStore
import Foundation
import TestSupport
import Testing

/// What is read of a request list, and what is said about one that is wrong.
@Suite struct RequestList {
    private func run(
        _ list: String, name: String = "requests.csv", format: ExportOptions.Format = .ndjson,
        features: ExportedFeatures = .features(["clicks_1h"]), labels: [String] = [], events: [ExportScenario.Event] = [],
        memoryBytes: Int = 1 << 20, erased: Set<String> = [], _ change: (inout RequestSource) -> Void = { _ in }
    ) throws -> String {
        let directory = TemporaryDirectory()
        try list.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
        var source = RequestSource(path: directory.file(name))
        change(&source)
        var options = ExportOptions(features: features, requests: source, output: directory.file("out"), format: format)
        options.labels = try labels.map { try LabelDefinition(parsing: $0) }
        options.memoryBytes = memoryBytes
        options.isErased = { erased.contains(String(decoding: $0, as: UTF8.self)) }
        options.temporaryDirectory = directory.path
        let export = try TrainingExport(ExportScenario.definitions(latenessSeconds: 3600, maxIDs: 4096), options)
        let origins = events.indices.map { EventOrigin(order: Int64($0)) }
        try origins.withUnsafeBufferPointer { try export.take(ExportScenario.batch(events), $0) }
        _ = try export.finish()
        return try String(contentsOfFile: directory.file("out"), encoding: .utf8)
    }

    private func click(_ customer: String, _ time: Int64, id: UInt64 = 1, text: String? = nil, amount: Int64? = nil) -> ExportScenario.Event {
        .init(
            stream: 0, partition: 0, offset: 0, recordTime: time, time: time, id: id, keys: [customer, "p"], text: text, number: 2,
            amount: amount, flag: nil)
    }

    private static let noon: Int64 = 1_767_268_800_000_000  // 2026-01-01T12:00:00Z

    @Test func `columns go through, whatever their order, quotes and line ends`() throws {
        let list = "\u{FEFF}plan,time,customer,n\r\n\"gold, \"\"old\"\"\",2026-01-01T12:00:00Z,c1,1\r\n\r\n\"\",2026-01-01T13:00:00+01:00,\"c\n2\",\r\n,2026-01-01,c3,2.5"
        #expect(try run(list, format: .csv, events: [click("c1", Self.noon), click("c\n2", Self.noon + 1)]) == """
            customer,time,plan,n,clicks_1h
            c1,2026-01-01T12:00:00Z,"gold, ""old\""",1,1
            "c
            2",2026-01-01T12:00:00Z,"",,
            c3,2026-01-01T00:00:00Z,,2.5,

            """)
    }

    @Test func `JSON values keep their types`() throws {
        let list = """
            {"a": 1.50, "customer": 7, "time": "2026-01-01T12:00:00Z", "b": true, "c": "001", "d": {"x": [1]}}
            {"time": "2026-01-01T12:00:00.000001Z", "customer": "\\u00e4", "a": null, "d": null}
            """
        #expect(try run(list, name: "requests.ndjson", events: [click("7", Self.noon)]) == """
            {"customer":"7","time":"2026-01-01T12:00:00Z","a":1.50,"b":true,"c":"001","d":"{\\"x\\": [1]}","clicks_1h":1}
            {"customer":"ä","time":"2026-01-01T12:00:00.000001Z","a":null,"b":null,"c":null,"d":null,"clicks_1h":null}

            """)
    }

    @Test func `numbers are times in the unit that is named`() throws {
        for (format, time) in [(RequestTimeFormat.epochSeconds, "1767268800"), (.epochMilliseconds, "1767268800000"), (.epochMicroseconds, "1767268800000000")] {
            let text = try run("customer,time\nc1,\(time)\n", events: [click("c1", Self.noon)]) { $0.timeFormat = format }
            #expect(text == "{\"customer\":\"c1\",\"time\":\(time),\"clicks_1h\":1}\n")
        }
    }

    @Test(arguments: [
        ("customer,time\nc1,2026-01-01T12:00:00Z\nc2,noon\n", "row 2 (line 3): `noon` is not a time"),
        ("customer,time\nc1,1767268800\n", "is a number\n  say which: --time-format epoch_s"),
        ("customer,time\nc1,2026-01-01T12:00:00\n", "has no time zone"),
        ("customer,time\nc1,1969-01-01T12:00:00Z\n", "lies outside of"),
        ("customer,time\nc1\n", "row 1 (line 2): 1 fields, but 2 columns"),
        ("customer,time\n,2026-01-01T12:00:00Z\n", "the key `customer` is empty"),
        ("custmer,time\n", "has no column `customer`\n  did you mean `custmer`?"),
        ("customer,when\n", "has no column `time`"),
        ("customer,time,time\n", "the column `time` is there twice"),
        ("customer,time\n\"c1,2026-01-01T12:00:00Z\n", "line 2: a quote is not closed"),
        ("customer,time\n\"c1\"x,2026-01-01T12:00:00Z\n", "line 2: there is text after a closing quote"),
        ("customer,time,clicks_1h\n", "the feature `clicks_1h` has the name of another column"),
        ("", "is empty"),
    ])
    func `a mistake is named with its place and a remedy`(list: String, wanted: String) throws {
        let fault = #expect(throws: ExportError.self) { try run(list) }
        #expect(fault?.description.contains(wanted) == true, "\(fault?.description ?? "")")
    }

    @Test func `unknown services and features are told with the nearest`() throws {
        let list = "customer,time\n"
        #expect(throws: ExportError("there is no feature service `custmers`", remedy: "did you mean `customers`?")) {
            try run(list, features: .service("custmers"))
        }
        #expect(throws: ExportError("there is no feature `clicks_2h`", remedy: "did you mean `clicks_1h`?")) {
            try run(list, features: .features(["clicks_2h"]))
        }
    }

    @Test func `an empty list gives an empty output`() throws {
        #expect(try run("customer,time\n", format: .csv) == "customer,time,clicks_1h\n")
    }

    @Test func `more keys than fit in memory are all answered`() throws {
        let keys = (0..<4000).map { "c\($0)" }
        var list = "customer,time\n"
        for key in keys.reversed() { list += "\(key),2026-01-01T12:00:00Z\n" }
        let text = try run(list, events: keys.map { click($0, Self.noon) } + (0..<500).map { click("other\($0)", Self.noon) }, memoryBytes: 1 << 14)
        #expect(text == keys.reversed().map { "{\"customer\":\"\($0)\",\"time\":\"2026-01-01T12:00:00Z\",\"clicks_1h\":1}\n" }.joined())
    }

    @Test func `whoever the store has erased has no events, even where a full filter lets some through`() throws {
        // So many keys in so little memory are a Bloom filter, which passes 5 of these 24.
        let gone = (0..<24).map { "gone-\($0)" }
        var list = "customer,time\n"
        for key in (0..<20_000).map({ "c\($0)" }) + gone { list += "\(key),2026-01-01T12:00:00Z\n" }
        let text = try run(list, events: gone.map { click($0, Self.noon) }, memoryBytes: 1 << 16, erased: Set(gone))
        let lines = text.split(separator: "\n").suffix(gone.count)
        #expect(lines.map { String($0) } == gone.map { "{\"customer\":\"\($0)\",\"time\":\"2026-01-01T12:00:00Z\",\"clicks_1h\":null}" })
    }

    @Test func `events too far ahead of their broker's clock are dropped, as live`() throws {
        let directory = TemporaryDirectory()
        try "customer,time\nc1,2026-01-01T12:30:00Z\n".write(toFile: directory.file("list.csv"), atomically: true, encoding: .utf8)
        let options = ExportOptions(
            features: .features(["clicks_1h"]), requests: .init(path: directory.file("list.csv")), output: directory.file("out.csv"),
            format: .csv)
        let export = try TrainingExport(ExportScenario.definitions(latenessSeconds: 3600, maxIDs: 4096), options)
        let skew: Int64 = .minutes(5)
        let events = (0..<3).map { click("c1", Self.noon, id: UInt64($0)) }
        let origins = [Self.noon - skew, Self.noon - skew - 1, -1].enumerated().map { EventOrigin(recordTime: $1, order: Int64($0)) }
        try origins.withUnsafeBufferPointer { try export.take(ExportScenario.batch(events), $0) }
        let summary = try export.finish()
        #expect(summary.dropped[Int(DropReason.future.rawValue)] == 1)
        #expect(try String(contentsOfFile: directory.file("out.csv"), encoding: .utf8) == "customer,time,clicks_1h\nc1,2026-01-01T12:30:00Z,2\n")
    }

    // MARK: Labels

    @Test func `labels begin after the request, end with their horizon and are null beyond the logs`() throws {
        let events = [
            click("c1", Self.noon, id: 1, text: "a", amount: 100), click("c1", Self.noon + 1, id: 2, text: "b", amount: 250),
            click("c1", Self.noon + .hours(1), id: 3, text: "a", amount: -1), click("c1", Self.noon + .hours(1), id: 3, text: "a", amount: -1),
            click("c1", Self.noon + .hours(1) + 1, id: 4), click("c2", Self.noon + .hours(2), id: 5),
        ]
        let text = try run(
            "customer,time\nc1,2026-01-01T12:00:00Z\nc1,2026-01-01T13:00:00.000001Z\nc3,2026-01-01T12:00:00Z\n",
            labels: [
                "any=any(clicks) within 1h", "n=count(clicks) within 1h", "sum=sum(clicks.d) within 1h", "by=sum(clicks.d) within 1h by s",
                "some=any(clicks) within 1h where s == \"b\"", "kinds=count(clicks) within 1h by s where d > 0",
            ], events: events)
        #expect(text == """
            {"customer":"c1","time":"2026-01-01T12:00:00Z","clicks_1h":1,"any":true,"n":2,"sum":2.49,"by":{"a":-0.01,"b":2.5},"some":true,"kinds":{"b":1}}
            {"customer":"c1","time":"2026-01-01T13:00:00.000001Z","clicks_1h":4,"any":null,"n":null,"sum":null,"by":null,"some":null,"kinds":null}
            {"customer":"c3","time":"2026-01-01T12:00:00Z","clicks_1h":null,"any":false,"n":0,"sum":0,"by":{},"some":false,"kinds":{}}

            """)
    }

    @Test func `the text of a label is read`() throws {
        #expect(
            try LabelDefinition(parsing: " spend = sum( purchases.amount )  within 30d by category where amount > 3 and by == 1 ")
                == LabelDefinition(
                    name: "spend", aggregation: .sum(field: "amount"), stream: "purchases", horizon: .days(30), by: "category",
                    filter: "amount > 3 and by == 1"))
    }

    @Test(arguments: [
        ("any(clicks) within 7d", "there is no `=`"), ("X=any(clicks) within 7d", "its name is not one"),
        ("x=any clicks within 7d", "there is no STREAM"), ("x=some(clicks) within 7d", "there is no `some`"),
        ("x=any(clicks.n) within 7d", "takes a stream, no field"), ("x=sum(clicks) within 7d", "sum needs a field"),
        ("x=any(clicks)", "`within` and a duration"), ("x=any(clicks) within 7", "`7` is not a duration"),
        ("x=any(clicks) within 0s", "`0s` is not a duration"), ("x=any(clicks) within 7d by", "a field must follow"),
        ("x=any(clicks) within 7d where", "a condition must follow"), ("x=any(clicks) within 7d and", "`and` is not expected"),
        ("x=any(click) within 7d", "did you mean `clicks`?"), ("x=sum(clicks.s) within 7d", "`s` is not a number"),
        ("x=any(clicks) within 7d by d", "`d` is a decimal"), ("x=any(clicks) within 7d by v", "`v` is a vector"), ("x=any(clicks) within 7d by m", "has no field `m`"),
        ("x=any(clicks) within 7d where m > 1", "where m > 1"),
    ])
    func `a label that cannot be is explained`(text: String, wanted: String) throws {
        let fault = #expect(throws: ExportError.self) { try run("customer,time\n", labels: [text]) }
        #expect(fault?.description.contains(wanted) == true, "\(fault?.description ?? "")")
    }
}
