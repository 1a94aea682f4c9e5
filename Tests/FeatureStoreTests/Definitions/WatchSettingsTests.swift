import FeatureStore
import Testing

/// `monitoring:`, `logs:`, `expect:` and `volume:`.
@Suite struct WatchSettingsTests {
    private func yaml(_ more: String, stream: String = "", field: String = "{type: decimal, scale: 2}", page: String = "string") -> String {
        """
        version: 1
        name: small
        entities: {customer: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id}
            time: {path: at, format: epoch_ms}
            \(stream)
            fields:
              price: \(field)
              page: \(page)
        views:
          clicks: {entity: customer, stream: clicks, windows: [1h], features: {clicks: {aggregation: count}}}
        services:
          homepage: {version: 1, entity: customer, features: [clicks_1h]}
        \(more)
        """
    }

    private func load(_ text: String, _ environment: [String: String] = [:]) throws -> Definitions {
        try Definitions.load(yaml: text, file: "small.yaml", environment: environment)
    }

    private func faults(_ text: String) -> [String] {
        do {
            _ = try load(text)
            return []
        } catch let error as DefinitionFaults {
            return error.faults.map(\.message)
        } catch { return ["\(error)"] }
    }

    @Test func monitoringIsOffWithoutItsSectionAndHasDefaultsWithIt() throws {
        #expect(try load(yaml("")).monitoring == nil)
        #expect(try load(yaml("monitoring: {enabled: false, max_per_second: 5}")).monitoring == nil)
        #expect(try load(yaml("monitoring: {enabled: true}")).monitoring == MonitoringSettings())
        let text = yaml("""
            monitoring:
              services: [homepage]
              max_per_second: 50
              min_observations: 100
              retention: 7d
              warm_up: 0s
              thresholds: {psi: 0.5, mean_shift: 3}
              webhook: "https://example.org/hook?key=1"
              webhook_token: abc
            """)
        let settings = try #require(try load(text).monitoring)
        #expect(settings.services == ["homepage"] && settings.maxPerSecond == 50 && settings.minObservations == 100 && settings.retention == .days(7))
        #expect(settings.warmUp == 0 && settings.thresholds.psi == 0.5 && settings.thresholds.meanShift == 3 && settings.thresholds.nullRate == 0.1)
        #expect(settings.webhook == "https://example.org/hook?key=1" && settings.webhookToken == "abc")
        #expect(try load(text, ["MILLRACE_MONITORING_WEBHOOK": "http://127.0.0.1:9/x"]).monitoring?.webhook == "http://127.0.0.1:9/x")
    }

    @Test func faultsOfMonitoringSayWhatIsWrongAndNeverShowTheWebhook() {
        let found = faults(yaml("monitoring: {services: [homepag], max_per_second: 0, thresholds: {psi: -1, ps: 1}, webhook: \"ftp://secret\", warm: 1d}"))
        #expect(found.count == 6, "\(found)")
        #expect(found.contains("there is no service `homepag`") && found.contains("webhook is not a URL of http or https"))
        #expect(!found.joined().contains("secret"))
    }

    @Test func expectationsAreReadInTheUnitsOfTheirField() throws {
        let definitions = try load(yaml(
            "", stream: "volume: {min: 10, max: 500}", field: "{type: decimal, scale: 2, expect: {nulls: 0.01, min: -0.5, max: 10000}}",
            page: "{type: string, expect: {values: [a, b], max_bytes: 8, nulls: 0}}"))
        let stream = definitions.streams[0]
        #expect(stream.volume?.min == 10 && stream.volume?.max == 500)
        let price = try #require(stream.fields[0].expectation), page = try #require(stream.fields[1].expectation)
        #expect(price.nulls == 0.01 && price.min == -50 && price.max == 1_000_000)
        #expect(page.values == ["a", "b"] && page.maxBytes == 8 && page.nulls == 0)
    }

    @Test(arguments: [
        ("{type: decimal, scale: 2, expect: {min: 0.001}}", "string", ""), ("{type: decimal, expect: {min: 5, max: 1}}", "string", ""),
        ("{type: decimal, expect: {values: [a]}}", "string", ""), ("{type: decimal, expect: {nulls: 2}}", "string", ""),
        ("decimal", "{type: string, expect: {min: 1}}", ""), ("decimal", "{type: string, expect: {values: []}}", ""),
        ("decimal", "string", "volume: {}"), ("decimal", "string", "volume: {min: 5, max: 2}"),
    ])
    func expectationsThatCannotHoldAreFaults(field: String, page: String, stream: String) {
        #expect(faults(yaml("", stream: stream, field: field, page: page)).count == 1, "\(faults(yaml("", stream: stream, field: field, page: page)))")
    }

    @Test func theLogHasAFormatAndALevelFromTheFileOrTheEnvironment() throws {
        #expect(try load(yaml("")).logs == LogSettings())
        let logs = try load(yaml("logs: {format: json, level: warning}"), ["MILLRACE_LOG_LEVEL": "debug"]).logs
        #expect(logs.format == .json && logs.level == .debug)
        #expect(faults(yaml("logs: {format: xml}")).count == 1)
    }
}
