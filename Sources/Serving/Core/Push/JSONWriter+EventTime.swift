public import FeatureStore
public import JSONBytes

extension JSONWriter {
    /// As events of a stream have it: a number to the µs, or text.
    public mutating func eventTime(_ time: Int64, as format: EventTime.Format) {
        switch format {
        case .rfc3339: self.time(time)
        case .epochSeconds: decimal(units: Int128(time), scale: 6)
        case .epochMilliseconds: decimal(units: Int128(time), scale: 3)
        case .epochMicroseconds, .protobufTimestamp, .kafka: int(time)
        }
    }
}
