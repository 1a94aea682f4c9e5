public import FeatureStore
internal import JSONBytes

/// `GET /v1/contracts` and `GET /v1/drops`, as docs/MONITORING.md shows them.
extension InputWatch {
    /// `isCaughtUp`: whether every shard has applied what its topics hold.
    public func contractsJSON(now: Int64 = Store.now(), isCaughtUp: @autoclosure () -> Bool) -> [UInt8] {
        judgeVolumes(now: now, isCaughtUp: isCaughtUp())
        let hour = now / 3_600_000_000
        let state = state.withLock { state in
            for stream in state.fields.indices {
                for field in state.fields[stream].indices { state.fields[stream][field].turn(to: hour) }
            }
            return state
        }
        var json = JSONWriter(reservingBytes: 4096)
        json.beginObject()
        json.key("streams")
        json.beginArray()
        for (index, stream) in definitions.streams.enumerated() where contracts[index] != nil || stream.volume != nil {
            json.beginObject()
            json.member("stream", stream.name)
            json.member("topic", stream.topic)
            json.key("volume")
            if let volume = stream.volume { write(volume, state.volumes[index], to: &json) } else { json.null() }
            json.key("fields")
            json.beginArray()
            for (position, field) in (contracts[index]?.fields ?? []).enumerated() { write(field, state.fields[index][position], to: &json) }
            json.endArray()
            json.key("examples")
            json.beginArray()
            for example in state.examples[index].reversed() {
                json.beginObject()
                json.key("time")
                json.time(example.time)
                json.member("field", contracts[index]?.fields[example.field].name ?? "")
                json.member("rule", example.rule.name)
                json.member("value", example.value)
                json.member("partition", example.partition)
                json.member("offset", example.offset)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    private func write(_ volume: VolumeExpectation, _ minutes: MinuteVolumes, to json: inout JSONWriter) {
        json.beginObject()
        json.key("min")
        if let min = volume.min { json.int(Int64(min)) } else { json.null() }
        json.key("max")
        if let max = volume.max { json.int(Int64(max)) } else { json.null() }
        json.key("last_minute")
        if let last = minutes.last {
            json.beginObject()
            json.key("minute")
            json.time(last.minute * 60_000_000)
            json.member("events", last.events)
            json.endObject()
        } else {
            json.null()
        }
        json.member("below", minutes.below)
        json.member("above", minutes.above)
        json.member("state", minutes.last?.isViolated == true ? "violated" : "ok")
        json.endObject()
    }

    private func write(_ field: StreamContract.Field, _ counts: StreamContract.Counts, to json: inout JSONWriter) {
        json.beginObject()
        json.member("field", field.name)
        json.key("expect")
        json.beginObject()
        let expectation = field.expectation
        if let nulls = expectation.nulls {
            json.key("nulls")
            json.double(nulls)
        }
        for (name, bound) in [("min", expectation.min), ("max", expectation.max)] {
            guard let bound else { continue }
            json.key(named: name)
            json.decimal(units: Int128(bound), scale: field.type.decimals)
        }
        if !expectation.values.isEmpty {
            json.key("values")
            json.strings(expectation.values)
        }
        if let limit = expectation.maxBytes { json.member("max_bytes", limit) }
        json.endObject()
        json.member("checked", counts.checked)
        json.key("hour")
        json.beginObject()
        json.member("checked", counts.hourChecked)
        json.member("nulls", counts.hourNulls)
        json.key("null_rate")
        if let rate = counts.nullRate { json.double(rate) } else { json.null() }
        json.member("violations", counts.hourViolations)
        json.endObject()
        json.key("violations")
        json.beginObject()
        for rule in field.rules {
            json.key(named: rule.name)
            json.int(Int64(counts.violations[rule.rawValue]))
        }
        json.endObject()
        json.member("state", counts.isViolated ? "violated" : "ok")
        json.endObject()
    }

    /// `counts`: of all shards, by stream.
    public func dropsJSON(counts: [StreamCounts]) -> [UInt8] {
        let drops = state.withLock { $0.drops }
        var json = JSONWriter(reservingBytes: 4096)
        json.beginObject()
        json.key("drops")
        json.beginArray()
        for (index, stream) in definitions.streams.enumerated() {
            for reason in DropReason.allCases {
                let examples = drops[index][Int(reason.rawValue)]
                let count = index < counts.count ? counts[index][reason] : 0
                if count == 0, examples.isEmpty { continue }
                json.beginObject()
                json.member("stream", stream.name)
                json.member("topic", stream.topic)
                json.member("reason", "\(reason)")
                json.member("count", count)
                json.key("dead_letter_topic")
                if let topic = stream.deadLetterTopic { json.string(topic) } else { json.null() }
                json.key("examples")
                json.beginArray()
                for example in examples.reversed() {
                    json.beginObject()
                    json.key("time")
                    json.time(example.time)
                    json.member("partition", example.partition)
                    json.member("offset", example.offset)
                    json.member("detail", example.detail)
                    json.endObject()
                }
                json.endArray()
                json.endObject()
            }
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    /// For the metrics.
    public struct ContractCounts: Sendable {
        public var stream: String
        public var checked: UInt64
        /// By field and rule.
        public var violations: [(field: String, rule: String, count: UInt64)]
        /// Nil: no volume is expected.
        public var minutes: (below: UInt64, above: UInt64)?
    }

    public func contractCounts(now: Int64 = Store.now(), isCaughtUp: @autoclosure () -> Bool) -> [ContractCounts] {
        judgeVolumes(now: now, isCaughtUp: isCaughtUp())
        let state = state.withLock { $0 }
        return definitions.streams.enumerated().compactMap { index, stream in
            guard contracts[index] != nil || stream.volume != nil else { return nil }
            let fields = contracts[index]?.fields ?? []
            return ContractCounts(
                stream: stream.name, checked: state.fields[index].first?.checked ?? 0,
                violations: fields.enumerated().flatMap { position, field in
                    field.rules.map { (field.name, $0.name, state.fields[index][position].violations[$0.rawValue]) }
                },
                minutes: stream.volume == nil ? nil : (state.volumes[index].below, state.volumes[index].above))
        }
    }
}

extension StreamContract.Field {
    /// Those that are set.
    var rules: [ContractRule] {
        ContractRule.allCases.filter { rule in
            switch rule {
            case .nulls: expectation.nulls != nil
            case .min: expectation.min != nil
            case .max: expectation.max != nil
            case .values: !expectation.values.isEmpty
            case .maxBytes: expectation.maxBytes != nil
            }
        }
    }
}
