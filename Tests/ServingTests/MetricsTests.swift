import FeatureStore
import Serving
import TestSupport
import Testing

@Suite struct MetricsTests {
    @Test func rendersThePrometheusFormat() {
        let text = prometheusText([
            MetricFamily(
                name: "a_total", help: "Back\\slash and\nline.", kind: .counter,
                samples: [.init(3, labels: [("topic", "a\"b\\c\nd")]), .init(0.25)]),
            .histogram(name: "h_seconds", help: "H.", bounds: [0.001, 1], counts: [2, 0, 1], sum: 4.5),
            MetricFamily(name: "a_total", help: "Again.", kind: .counter, value: .infinity),
        ])
        #expect(
            text == #"""
                # HELP a_total Back\\slash and\nline.
                # TYPE a_total counter
                a_total{topic="a\"b\\c\nd"} 3
                a_total 0.25
                a_total +Inf
                # HELP h_seconds H.
                # TYPE h_seconds histogram
                h_seconds_bucket{le="0.001"} 2
                h_seconds_bucket{le="1"} 2
                h_seconds_bucket{le="+Inf"} 3
                h_seconds_sum 4.5
                h_seconds_count 3

                """#)
    }

    @Test func putsDurationsIntoTheirBuckets() {
        let histogram = LatencyHistogram()
        for duration in [Duration.zero, .microseconds(1), .nanoseconds(1001), .seconds(1), .seconds(2), .seconds(Int64.max), .seconds(-1)] {
            histogram.observe(duration)
        }
        #expect(histogram.count == 7)
        let text = prometheusText([histogram.family(name: "x", help: "X.")])
        #expect(text.contains("x_bucket{le=\"1e-06\"} 3\n"))
        #expect(text.contains("x_bucket{le=\"2e-06\"} 4\n"))
        #expect(text.contains("x_bucket{le=\"1\"} 5\n"))
        #expect(text.contains("x_bucket{le=\"+Inf\"} 7\n"))
    }

    @Test func countsLookupsAndShowsShards() throws {
        let double = LookupDouble()
        let service = double.service
        _ = service.lookup(.init(.service("homepage"), keys: ["c1", "c2"]))
        _ = service.lookup(.init(.service("nope"), keys: ["c1"]))
        service.metrics.requestBegan()
        service.metrics.httpEnded(status: 200)
        service.metrics.requestBegan()
        service.metrics.grpcEnded(code: 5)
        service.metrics.requestBegan()
        let families = service.metricFamilies()
        #expect(families.allSatisfy { !$0.help.isEmpty && $0.name.hasPrefix("millrace_") })
        let text = prometheusText(families)
        for line in [
            "millrace_lookups_total{outcome=\"ok\"} 1", "millrace_lookups_total{outcome=\"unknown-service\"} 1",
            "millrace_lookup_keys_total 2", "millrace_lookup_seconds_count 2", "millrace_http_responses_total{code=\"200\"} 1",
            "millrace_grpc_responses_total{code=\"NOT_FOUND\"} 1", "millrace_requests_in_flight 1", "millrace_ready 1",
            "millrace_shard_up{shard=\"0\"} 1", "millrace_shard_lag_events{shard=\"0\"} 2",
            "millrace_shard_freshness_seconds{shard=\"0\"} 0.0125", "millrace_shard_rows{shard=\"0\"} 7",
            "millrace_shard_map_bytes{shard=\"0\"} 65536", "millrace_shard_map_used_bytes{shard=\"0\"} 4096",
            "millrace_source_position_offset{topic=\"clicks\",partition=\"0\"} 12",
            "millrace_source_end_offset{topic=\"clicks\",partition=\"0\"} 14",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains("millrace_source_end_offset{topic=\"purchases\""))
    }
}
