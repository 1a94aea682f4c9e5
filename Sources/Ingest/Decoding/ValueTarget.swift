import FeatureStore

/// Where one value of an event comes from and what it must become. Trivial: decoding looks at nothing else.
struct ValueTarget {
    enum Kind: UInt8 { case key, string, bool, int64, decimal, vector, double, doubles }

    let capture: Int32
    let kind: Kind
    let scale: UInt8
    /// Elements of a vector; bytes of a string, at most.
    let bound: UInt16

    init(capture: Int, role: DecoderPlan.Role, maxBytes: Int) {
        self.capture = Int32(capture)
        var bound = 0
        switch role {
        case .field(.string): (kind, scale, bound) = (.string, 0, maxBytes)
        case .field(.bool): (kind, scale) = (.bool, 0)
        case .field(.int64): (kind, scale) = (.int64, 0)
        case .field(.decimal(let digits)): (kind, scale) = (.decimal, UInt8(digits))
        case .field(.vector(let elements, let digits)): (kind, scale, bound) = (.vector, UInt8(digits), elements)
        case .field(.double): (kind, scale) = (.double, 0)
        case .field(.doubles(let elements)): (kind, scale, bound) = (.doubles, 0, elements)
        case .key, .id, .time: (kind, scale) = (.key, 0)
        }
        self.bound = UInt16(clamping: bound)
    }
}

/// Where the event time comes from.
struct TimeSource {
    let format: EventTime.Format
    /// Negative: from the record. Of a Protobuf timestamp: its seconds.
    let capture: Int
    let nanosCapture: Int

    init(format: EventTime.Format, node: PathNode?) {
        self.format = format
        if format == .protobufTimestamp, let node {
            capture = node.children.first { $0.name == "seconds" }?.capture ?? -1
            nanosCapture = node.children.first { $0.name == "nanos" }?.capture ?? -1
        } else {
            capture = node?.capture ?? -1
            nanosCapture = -1
        }
    }
}
