/// One metric with its samples, as Prometheus sees it.
public struct MetricFamily: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    public struct Sample: Sendable {
        /// `_bucket`, `_sum` or `_count` of a histogram; empty otherwise.
        public var suffix: String
        public var labels: [(name: String, value: String)]
        public var value: Double

        public init(_ value: Double, labels: [(name: String, value: String)] = [], suffix: String = "") {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// With the unit last: `millrace_lookup_seconds`; counters end in `_total`.
    public var name: String
    /// One sentence for the person on call.
    public var help: String
    public var kind: Kind
    public var samples: [Sample]

    public init(name: String, help: String, kind: Kind, samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A family of one sample without labels.
    public init(name: String, help: String, kind: Kind, value: Double) {
        self.init(name: name, help: help, kind: kind, samples: [Sample(value)])
    }

    /// - Parameters:
    ///   - bounds: upper bounds of the buckets, ascending, without +Inf.
    ///   - counts: observations per bucket (not cumulative); one more than `bounds`, the last for +Inf.
    public static func histogram(
        name: String, help: String, bounds: [Double], counts: [UInt64], sum: Double, labels: [(name: String, value: String)] = []
    ) -> MetricFamily {
        var samples: [Sample] = []
        var running: UInt64 = 0
        for (index, count) in counts.enumerated() {
            running += count
            let bound = index < bounds.count ? prometheusNumber(bounds[index]) : "+Inf"
            samples.append(Sample(Double(running), labels: labels + [("le", bound)], suffix: "_bucket"))
        }
        samples.append(Sample(sum, labels: labels, suffix: "_sum"))
        samples.append(Sample(Double(running), labels: labels, suffix: "_count"))
        return MetricFamily(name: name, help: help, kind: .histogram, samples: samples)
    }
}
