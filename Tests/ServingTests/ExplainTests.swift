import FeatureStore
import Foundation
import JSONBytes
import Serving
import TestSupport
import Testing

@Suite struct ExplainTests {
    private let explained: ExplainedStore
    init() throws { explained = try ExplainedStore() }

    private func explain(_ feature: String, service: String? = nil) throws -> Explanation {
        try explained.service.explain(.init(feature: feature, key: "c1", service: service, asOf: ExplainedStore.asked)).get()
    }

    @Test func `the JSON document has the window, the tiles and what was dropped`() throws {
        let json = try #require(try JSONSerialization.jsonObject(with: Data(try explain("clicks_10m", service: "homepage").json())) as? [String: Any])
        #expect(json["service"] as? String == "homepage" && json["version"] as? Int == 2 && json["found"] as? Bool == true)
        let feature = try #require(json["feature"] as? [String: Any])
        #expect(feature["value"] as? Int == 5 && feature["status"] as? String == "present")
        let view = try #require(feature["view"] as? [String: Any])
        #expect(view["where"] as? String == "price > 1" && (view["view_fingerprint"] as? String)?.count == 16)
        let window = try #require(view["window"] as? [String: Any])
        #expect(window["left"] as? String == "2026-01-01T11:51:00.000000Z" && window["right"] as? String == "2026-01-01T12:01:50.000000Z")
        #expect(window["longer_by_ms"] as? Int == 50_000 && window["hop_ms"] as? Int == 60_000)
        let row = try #require((view["rows"] as? [[String: Any]])?.first)
        #expect(row["remembered_ids"] as? Int == 6 && row["stream_newest_event_time"] as? String == "2026-01-01T12:01:40.000000Z")
        let tiles = try #require(row["tiles"] as? [[String: Any]])
        #expect(tiles.map { $0["partial"] as? Int } == [2, 3])
        #expect(tiles[0]["start"] as? String == "2026-01-01T12:01:00.000000Z" && tiles[0]["end"] as? String == "2026-01-01T12:02:00.000000Z")
        #expect((row["left_out_tiles"] as? [[String: Any]])?.map { $0["partial"] as? Int } == [1])
        let shard = try #require((json["shards"] as? [[String: Any]])?.first)
        let dropped = try #require(shard["dropped"] as? [[String: Any]])
        #expect(dropped.map { $0["stream"] as? String } == ["clicks"])
        #expect(["duplicate", "late", "future"].map { dropped[0][$0] as? Int } == [1, 0, 1])
        #expect((shard["positions"] as? [[String: Any]])?.first?["offset"] as? Int == 8)
    }

    @Test func `the chart has a bar for each tile, the edge, and fits`() throws {
        let lines = try explain("spend_10m").chart.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.allSatisfy { $0.count <= 100 })
        #expect(lines[0] == "spend_10m of customer c1, as of 2026-01-01T12:01:50Z")
        let start = try #require(lines.firstIndex { $0.hasPrefix("    2026-01-01T12:01:00Z") })
        #expect(Array(lines[start..<start + 4]) == [
            "    2026-01-01T12:01:00Z  1m    5  ########################",
            "    2026-01-01T12:00:00Z  1m  7.5  ####################################",
            "    ---- left edge 2026-01-01T11:51:00Z ----",
            "    2026-01-01T11:00:00Z  1m  2.5  ############  left out",
        ])
        #expect(lines.contains("  value    12.5 (decimal(2)), present"))
        #expect(lines.contains("  dropped  of clicks: 1 duplicate, 0 late, 1 future"))
        #expect(lines.contains("  read     clicks partition 0, next offset 8 of 8"))
    }

    @Test func `a derived feature shows its inputs`() throws {
        let explanation = try explain("mean_10m")
        #expect(explanation.features.map(\.name) == ["mean_10m", "spend_10m", "clicks_10m"])
        #expect(explanation.chart.contains("  derived  spend_10m / max(clicks_10m, 1)\n           spend_10m = 12.5, present\n"))
        #expect(explanation.chart.contains("\ninput clicks_10m\n"))
    }

    @Test func `a feature that a service does not have is a problem with a remedy`() throws {
        let wrong = explained.service.explain(.init(feature: "clicks_10", key: "c1", service: "homepage"))
        guard case .failure(let problem) = wrong else {
            Issue.record("answered")
            return
        }
        #expect(problem.kind == .unknownFeature && problem.detail.contains("\"homepage\" has no feature"))
        #expect(problem.remedy.hasPrefix("Did you mean \"clicks_10m\"?"))
        let entity = explained.service.explain(.init(feature: "clicks_10m", key: "c1", entity: "custmer"))
        guard case .failure(let other) = entity else {
            Issue.record("answered")
            return
        }
        #expect(other.kind == .unknownEntity && other.httpStatus == 404 && other.remedy.hasPrefix("Did you mean \"customer\"?"))
    }
}
