import FeatureStore
import JSONBytes
import Serving
import Synchronization
import TestSupport
import Testing

@Suite struct LookupServiceTests {
    @Test func answersAServiceWithValuesStatusesTimesAndPositions() throws {
        let answer = try LookupDouble().service.lookup(.init(.service("homepage"), keys: ["c1", "c2"])).get()
        #expect(answer.plan.service == "homepage")
        #expect(answer.asOf == LookupDouble.now)
        #expect(answer.freshness == 12_500)
        #expect(answer.entries.map(\.key) == ["c1", "c2"])
        #expect(answer.entries.map(\.vector.found) == [true, false])
        #expect(answer.entries[0].vector.values == LookupDouble.known)
        #expect(answer.positions.map(\.offset) == [12, 3])
    }

    @Test func writesTheAnswerAsJSON() throws {
        let answer = try LookupDouble().service.lookup(.init(.service("homepage"), keys: ["c1"])).get()
        #expect(
            answer.json().text == """
                {"service":"homepage","version":2,"entity":"customer","as_of":"2026-01-01T00:00:00.000000Z","freshness_ms":12.5,\
                "features":["clicks_5m","spend_1h","last_category","views_by_category"],\
                "results":[{"key":"c1","found":true,"values":[5,12.34,"sho\\"es",{"a":1,"b":2}],\
                "statuses":["present","present","stale","present"],\
                "newest_event_times":["2025-12-31T23:59:59.000000Z","2025-12-31T23:59:57.999999Z","2026-01-01T00:00:00.000000Z",null]}],\
                "positions":[{"topic":"clicks","partition":0,"offset":12,"end":14},{"topic":"purchases","partition":0,"offset":3,"end":null}]}
                """)
    }

    @Test func answersFeaturesNamedOneByOneInTheirOrder() throws {
        let answer = try LookupDouble().service.lookup(.init(.features(["spend_1h", "clicks_5m"]), keys: ["c1"])).get()
        #expect(answer.plan.service == nil)
        #expect(answer.entries[0].vector.values.map(\.value) == [.decimal(units: 12_340_000, scale: 6), .int(5)])
        #expect(answer.json().text.hasPrefix(#"{"service":null,"version":null,"entity":"customer","#))
    }

    /// One entity in one step, for JSON and for other forms: what is logged of it is what a lookup of any kind logs.
    @Test func oneStepAnswersAreLoggedAsTheOthers() throws {
        var source = LookupDouble().source
        source.definitions.services[0].log = ServedLogDefinition(topic: "served", perMillion: 1_000_000)
        let taken = Mutex<[String]>([])
        let service = LookupService(source: source, served: ServedSink { topic, key, json in
            taken.withLock { $0.append("\(topic) \(String(decoding: key, as: UTF8.self)) \(String(decoding: json, as: UTF8.self))") }
            return true
        })
        _ = try service.lookup(.init(.service("homepage"), keys: ["c1"])).get()
        var json = JSONWriter(), vector = Vector()
        let problem = Array("homepage".utf8).withUnsafeBytes { name in
            Array("c1".utf8).withUnsafeBytes { service.writeEntity(service: name, key: $0, to: &json, in: &vector) }
        }
        #expect(problem == nil)
        let answer = try Array("homepage".utf8).withUnsafeBytes { name in
            Array("c1".utf8).withUnsafeBytes { service.entity(service: name, key: $0, in: &vector) }
        }.get()
        if case .plain = answer { #expect(vector.values == LookupDouble.known) } else { Issue.record("not plain") }
        #expect(taken.withLock { $0 } == Array(repeating: "served c1 \(json.text)", count: 3))
    }

    @Test func passesAsOfAndMaxStalenessOn() throws {
        let double = LookupDouble()
        _ = try double.service.lookup(.init(.service("homepage"), keys: ["c1"], asOf: 7, maxStaleness: 9)).get()
        let asked = double.state.withLock { $0.asked }
        #expect(asked.count == 1)
        #expect(asked[0].asOf == 7)
        #expect(asked[0].maxStaleness == 9)
    }

    @Test func freshnessIsUnknownBeforeTheFirstRecordUnlessTheTopicsAreEmpty() throws {
        for (lag, freshness, expected) in [(nil, nil, nil), (3, nil, nil), (0, nil, nil), (0, 0, 0)] as [(Int64?, Int64?, Int64?)] {
            let double = LookupDouble()
            double.state.withLock {
                $0.statuses[0].lagEvents = lag
                $0.statuses[0].freshness = freshness
            }
            let answer = try double.service.lookup(.init(.service("homepage"), keys: ["c1"])).get()
            #expect(answer.freshness == expected)
        }
    }

    @Test(arguments: [
        (LookupRequest(.service("homepag"), keys: ["c1"]), LookupProblem.Kind.unknownService, 404, 5),
        (LookupRequest(.features(["clicks_5"]), keys: ["c1"]), .unknownFeature, 404, 5),
        (LookupRequest(.features([]), keys: ["c1"]), .badRequest, 400, 3),
        (LookupRequest(.features(Array(repeating: "x", count: 1_001)), keys: ["c1"]), .badRequest, 400, 3),
        (LookupRequest(.service("homepage"), keys: []), .badRequest, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["a", "b", "c", "d"]), .tooManyKeys, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["a", ""]), .badKey, 400, 3),
        (LookupRequest(.service("homepage"), keys: [String(repeating: "k", count: 481)]), .badKey, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["c1"], asOf: -1), .badRequest, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["c1"], asOf: .max), .badRequest, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["c1"], maxStaleness: -1), .badRequest, 400, 3),
        (LookupRequest(.service("homepage"), keys: ["elsewhere"]), .shardUnavailable, 503, 14),
    ])
    func refuses(_ request: LookupRequest, _ kind: LookupProblem.Kind, _ http: Int, _ grpc: Int) {
        let double = LookupDouble()
        double.state.withLock { $0.unavailable = ["elsewhere"] }
        guard case .failure(let problem) = double.service.lookup(request) else {
            Issue.record("answered")
            return
        }
        #expect(problem.kind == kind)
        #expect(problem.httpStatus == http)
        #expect(problem.grpcCode == grpc)
        #expect(!problem.remedy.isEmpty)
    }

    @Test func takesKeysOfTheLongestLength() throws {
        let key = String(repeating: "k", count: 480)
        let answer = try LookupDouble().service.lookup(.init(.service("homepage"), keys: [key])).get()
        #expect(answer.entries[0].key == key)
    }

    @Test func namesTheServiceThatWasMeant() {
        guard case .failure(let problem) = LookupDouble().service.lookup(.init(.service("homepgae"), keys: ["c1"])) else {
            Issue.record("answered")
            return
        }
        #expect(problem.remedy == "Did you mean \"homepage\"? Known services: homepage.")
    }

    @Test func readsShardStatusesOnceForManyLookups() {
        let double = LookupDouble()
        let service = double.service
        for _ in 0..<1_000 { _ = service.lookup(.init(.service("homepage"), keys: ["c1"])) }
        #expect(double.state.withLock { $0.statusReads } < 500)
    }

    @Test func boundsTheCacheOfFeatureLists() throws {
        let service = LookupDouble().service
        for count in 1...600 {
            _ = try service.lookup(.init(.features(Array(repeating: "clicks_5m", count: count)), keys: ["c1"])).get()
        }
    }
}
