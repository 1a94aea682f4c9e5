package import JSONBytes

/// The answers of `/v1/monitoring`, as docs/MONITORING.md shows them.
extension MonitoringReport {
    /// What the process has counted since it began; a command has none.
    package struct Observed: Sendable {
        package var observations: UInt64
        package var leftOut: UInt64
        package var share: Double
        package init(observations: UInt64, leftOut: UInt64, share: Double) {
            self.observations = observations
            self.leftOut = leftOut
            self.share = share
        }
    }

    package func write(to json: inout JSONWriter, observed: Observed?, now: Int64) throws(MonitoringError) {
        let standings = try standings(now: now)
        json.beginObject()
        json.key("enabled")
        json.bool(true)
        json.key("as_of")
        json.time(now)
        json.key("observed")
        if let observed {
            json.beginObject()
            json.member("observations", observed.observations)
            json.member("left_out", observed.leftOut)
            json.member("per_second_limit", settings.maxPerSecond)
            json.key("share")
            json.double(observed.share)
            json.endObject()
        } else {
            json.null()
        }
        write(baseline, to: &json)
        json.key("thresholds")
        json.beginObject()
        let thresholds = settings.thresholds
        for (measure, threshold) in zip(
            Measure.allCases, [thresholds.psi, thresholds.meanShift, thresholds.nullRate, thresholds.range, thresholds.stuck])
        {
            json.key(named: measure.name)
            json.double(threshold)
        }
        json.endObject()
        json.key("features")
        json.beginArray()
        for standing in standings {
            json.beginObject()
            write(standing, to: &json)
            json.endObject()
        }
        json.endArray()
        json.key("alerts")
        json.beginArray()
        for alert in listed { json.alert(alert) }
        json.endArray()
        json.endObject()
    }

    /// One feature and its hours.
    package func write(_ index: Int, hours: Int, to json: inout JSONWriter, now: Int64) throws(MonitoringError) {
        let standing = try standing(index, now: now)
        let series = try series(index, hours: hours)
        json.beginObject()
        write(standing, to: &json)
        json.key("histogram")
        json.beginArray()
        if let summary = standing.summary, let usual = standing.comparison?.summary, summary.numbers > 0, usual.numbers > 0 {
            let bins = DriftBins(summary.sketch, usual.sketch)
            let a = Double(summary.numbers), b = Double(usual.numbers)
            for (position, bin) in bins.counts.enumerated() {
                json.beginObject()
                json.key("low")
                json.number(bins.lows[position])
                json.key("high")
                json.number(position + 1 < bins.lows.count ? bins.lows[position + 1] : nil)
                json.key("share")
                json.double(bin.hour / a)
                json.key("compared_share")
                json.double(bin.usual / b)
                json.endObject()
            }
        }
        json.endArray()
        json.key("series")
        json.beginArray()
        for (recorded, entities, judgement) in series {
            json.beginObject()
            json.key("hour")
            json.hour(recorded.hour)
            json.key("summary")
            json.summary(recorded.summary, entities: entities)
            json.key("comparison")
            if let judgement {
                json.beginObject()
                json.member("kind", judgement.kind.name)
                json.member("hours", judgement.hours)
                for (name, number) in [
                    ("mean", judgement.mean), ("deviation", judgement.deviation), ("null_rate", judgement.nullRate), ("p50", judgement.median),
                ] {
                    json.key(named: name)
                    json.number(number)
                }
                json.endObject()
            } else {
                json.null()
            }
            json.key("measures")
            json.measures(judgement?.measures ?? [])
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    private func write(_ baseline: Baseline, to json: inout JSONWriter) {
        json.key("baseline")
        json.beginObject()
        switch baseline {
        case .recorded:
            json.member("kind", "recorded")
            json.key("from")
            json.null()
            json.key("to")
            json.null()
        case .window(let from, let to):
            json.member("kind", "window")
            json.key("from")
            json.hour(from)
            json.key("to")
            if let to { json.hour(to) } else { json.null() }
        case .export(let source):
            json.member("kind", "export")
            json.member("source", source)
        }
        json.endObject()
    }

    /// The members of a feature.
    private func write(_ standing: Standing, to json: inout JSONWriter) {
        json.member("entity", standing.feature.entity)
        json.member("feature", standing.feature.feature)
        json.member("type", "\(standing.feature.type)")
        json.member("state", standing.state.rawValue)
        json.key("hour")
        if let hour = standing.hour { json.hour(hour) } else { json.null() }
        json.key("is_open")
        json.bool(standing.isOpen)
        json.key("summary")
        if let summary = standing.summary { json.summary(summary, entities: standing.entities) } else { json.null() }
        json.key("comparison")
        if let comparison = standing.comparison { json.comparison(comparison) } else { json.null() }
        json.key("measures")
        json.measures(standing.measures)
    }
}

extension JSONWriter {
    /// A number that is whole is written as one.
    mutating func number(_ value: Double?) {
        guard let value, value.isFinite else { return null() }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { int(whole) } else { double(value) }
    }

    /// The beginning of an hour.
    package mutating func hour(_ hour: HourStore.Hour) { time(Int64(hour) * 3_600_000_000) }

    mutating func summary(_ summary: FeatureSummary, entities: Double?) {
        let hasNumbers = summary.numbers > 0
        beginObject()
        member("count", summary.count)
        member("nulls", summary.nulls)
        for (name, number) in [
            ("null_rate", summary.nullRate), ("entities", entities?.rounded()), ("mean", hasNumbers ? summary.mean : nil),
            ("deviation", summary.deviation), ("min", hasNumbers ? summary.minimum : nil), ("max", hasNumbers ? summary.maximum : nil),
        ] {
            key(named: name)
            self.number(number)
        }
        key("quantiles")
        if hasNumbers {
            beginObject()
            for (name, q) in [("p01", 0.01), ("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95), ("p99", 0.99)] {
                key(named: name)
                // The middle of the last bucket may lie beyond the values themselves.
                number(summary.sketch.quantile(q).map { min(max($0, summary.minimum), summary.maximum) })
            }
            endObject()
        } else {
            null()
        }
        key("distinct")
        number(summary.distinct)
        key("top_share")
        number(summary.topShare)
        endObject()
    }

    mutating func comparison(_ comparison: Comparison) {
        beginObject()
        member("kind", comparison.kind.name)
        member("hours", comparison.hours)
        key("summary")
        summary(comparison.summary, entities: comparison.entities)
        endObject()
    }

    mutating func measures(_ measures: [Measured]) {
        beginArray()
        for measured in measures {
            beginObject()
            member("measure", measured.measure.name)
            key("value")
            number(measured.value)
            key("threshold")
            number(measured.threshold)
            key("is_alert")
            bool(measured.isAlert)
            endObject()
        }
        endArray()
    }

    mutating func alert(_ alert: Alert) {
        beginObject()
        member("entity", alert.entity)
        member("feature", alert.feature)
        member("measure", alert.measure.name)
        key("value")
        number(alert.value)
        key("threshold")
        number(alert.threshold)
        key("hour")
        hour(alert.hour)
        key("since")
        hour(alert.since)
        member("state", alert.state == .firing ? "firing" : "resolved")
        endObject()
    }
}

extension AlertNotice {
    /// The body of a webhook. `name`: of the definitions.
    package func json(name: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("event", alert.state == .firing ? "firing" : "resolved")
        json.key("alert")
        json.alert(alert)
        json.member("name", name)
        json.key("summary")
        json.summary(summary, entities: entities)
        json.key("comparison")
        json.comparison(comparison)
        json.endObject()
        return json.bytes
    }
}
