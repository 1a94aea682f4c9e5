/// A measure of a feature that is, or was, beyond its threshold.
package struct Alert: Sendable, Equatable {
    package enum State: UInt8, Sendable { case firing, resolved }

    package var entity: String
    package var feature: String
    package var measure: Measure
    package var state: State
    /// Of the hour named last in which it was beyond it.
    package var value: Double
    package var threshold: Double
    package var hour: HourStore.Hour
    /// The hour in which it began.
    package var since: HourStore.Hour

    var key: String { "alert/\(entity)/\(feature)/\(measure.name)" }

    // MARK: Bytes: measure, state UInt8 each, since, hour UInt32, value, threshold Double

    var bytes: [UInt8] {
        var bytes = [measure.rawValue, state.rawValue]
        bytes.append(UInt32(clamping: since))
        bytes.append(UInt32(clamping: hour))
        bytes.append(value)
        bytes.append(threshold)
        return bytes
    }

    init(_ feature: Watched.Feature, _ measured: Measured, hour: HourStore.Hour) {
        entity = feature.entity
        self.feature = feature.feature
        measure = measured.measure
        state = .firing
        value = measured.value
        threshold = measured.threshold
        self.hour = hour
        since = hour
    }

    /// `name`: the key without `alert/`.
    init?(_ name: String, _ bytes: [UInt8]) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let read = bytes.withUnsafeBytes { bytes -> Alert.Fields? in
            var reader = ByteReader(bytes)
            guard let measure = reader.read(UInt8.self).flatMap(Measure.init(rawValue:)), let state = reader.read(UInt8.self).flatMap(State.init(rawValue:)),
                let since = reader.read(UInt32.self), let hour = reader.read(UInt32.self), let value = reader.readDouble(),
                let threshold = reader.readDouble()
            else { return nil }
            return Fields(measure: measure, state: state, since: Int(since), hour: Int(hour), value: value, threshold: threshold)
        }
        guard let read else { return nil }
        entity = String(parts[0])
        feature = String(parts[1])
        (measure, state, since, hour, value, threshold) = (read.measure, read.state, read.since, read.hour, read.value, read.threshold)
    }

    private struct Fields {
        var measure: Measure
        var state: State
        var since: Int
        var hour: Int
        var value: Double
        var threshold: Double
    }
}

/// An alert that began or ended, with what it is based on.
public struct AlertNotice: Sendable {
    package var alert: Alert
    package var summary: FeatureSummary
    package var entities: Double
    package var comparison: Comparison
}

extension HourStore {
    /// All that fire, and those that did, newest first.
    package func alerts() throws(MonitoringError) -> [Alert] {
        try states("alert/").compactMap { Alert($0.key, $0.bytes) }.sorted { ($0.hour, $0.key) > ($1.hour, $1.key) }
    }
}
