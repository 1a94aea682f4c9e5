import FeatureStore
import JSONBytes
import Serving
import Synchronization
import TestSupport
import Testing

/// Pushes over a sink that keeps them: what bodies mean, what is refused, what lookups wait for.
@Suite struct PushTests {
    private let double = LookupDouble()

    private func source() throws -> LookupSource {
        var source = double.source
        let definitions = try Definitions.load(
            yaml: """
                version: 1
                name: shop
                entities: {customer: {}}
                pushed:
                  model: {entity: customer, features: {score: double, segment: string}}

                """, file: "shop.yaml")
        source.definitions.pushed = definitions.pushed
        source.definitions.streams = definitions.streams
        source.definitions.views = definitions.views
        return source
    }

    private func rows(_ body: String, feast: Bool = false) throws -> [String] {
        let definitions = try source().definitions
        let request = try Array(body.utf8).withUnsafeBytes { bytes in
            feast ? try PushRequest(feast: bytes, definitions: definitions) : try PushRequest(json: bytes, view: "model", definitions: definitions)
        }
        return request.rows.map { String(decoding: $0.json, as: UTF8.self) + ($0.hasTime ? " timed" : "") }
    }

    @Test func `rows stay as they are written`() throws {
        #expect(try rows(#" {"rows": [ {"customer":"a" , "score":1.50}, {"event_time":5,"customer":"b","segment":"}\""},{"customer":1,"event_time":null}]} "#) == [
            #"{"customer":"a" , "score":1.50}"#, #"{"event_time":5,"customer":"b","segment":"}\""} timed"#, #"{"customer":1,"event_time":null}"#,
        ])
    }

    @Test(arguments: [
        #"{"rows":[]}"#, #"{}"#, #"[]"#, #"{"rows":{}}"#, #"{"rows":[1]}"#, #"{"rows":[{"scor":1}]}"#, #"{"rows":[{}],"rows":[{}]}"#,
        #"{"rows":[{}],"view":"x"}"#, #"{"rows":[{}"#, #"{"rows":[{"score":01}]}"#, "",
    ])
    func `other bodies are refused`(body: String) throws {
        let problem = #expect(throws: LookupProblem.self) { try rows(body) }
        #expect(try #require(problem).httpStatus == 400 && !problem!.remedy.isEmpty)
    }

    @Test func `Feast's columns become rows`() throws {
        let got = try rows(
            #"{"feature_view_name":"model","df":{"customer":["a",7],"score":[0.5,null],"event_timestamp":["2025-12-01T14:40:00.000001",null],"created":[null,null]},"allow_registry_cache":true}"#,
            feast: true)
        #expect(got == [
            #"{"customer":"a","score":0.5,"event_time":1764600000000001} timed"#, #"{"customer":7,"score":null}"#,
        ])
        #expect(try rows(#"{"push_source_name":"model","to":"online","df":{"customer":["a"],"segment":["x"],"event_timestamp":["2025-12-01T15:40:00+01:00"]}}"#, feast: true)
            == [#"{"customer":"a","segment":"x","event_time":1764600000000000} timed"#])
    }

    @Test func `an answer names the positions, and lookups wait for them`() async throws {
        let next = Mutex<Int64>(17)
        var source = try source()
        source.nextOffset = { topic, partition in topic == "model" && partition == 2 ? next.withLock { $0 } : nil }
        let service = LookupService(source: source, sink: PushSink { (_, rows, _) async throws(LookupProblem) in
            if rows.count > 1 { throw LookupProblem(.notDurable, detail: "x", remedy: "y") }
            return [SourceOffset(topic: "model", partition: 2, offset: 17)]
        })
        let row = PushRow(json: Array("{}".utf8), hasTime: false)
        let answer = try await service.push(PushRequest(view: "model", rows: [row]))
        #expect(answer.minPosition == "model/2@17")
        #expect(String(decoding: answer.json(), as: UTF8.self)
            == #"{"view":"model","rows":1,"min_position":"model/2@17","positions":[{"topic":"model","partition":2,"offset":17}]}"#)
        let problem = await #expect(throws: LookupProblem.self) { try await service.push(PushRequest(view: "model", rows: [row, row])) }
        #expect(problem?.kind == .notDurable)

        // Not there yet: it waits until it is.
        let wait = Task { try await service.wait(for: answer.offsets, patience: .seconds(60)) }
        try await Task.sleep(for: .milliseconds(30))
        next.withLock { $0 = 18 }
        try await wait.value
        let never = await #expect(throws: LookupProblem.self) {
            try await service.wait(for: [SourceOffset(topic: "model", partition: 1, offset: 0)], patience: .milliseconds(20))
        }
        #expect(never?.kind == .positionNotReached && never?.httpStatus == 503)
    }
}
