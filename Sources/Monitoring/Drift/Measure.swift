/// How an hour differs from what it is compared with.
package enum Measure: UInt8, Sendable, CaseIterable {
    case psi, meanShift, nullRate, range, stuck

    /// As in JSON and metrics.
    package var name: String {
        switch self {
        case .psi: "psi"
        case .meanShift: "mean_shift"
        case .nullRate: "null_rate"
        case .range: "range"
        case .stuck: "stuck"
        }
    }
}

/// One measure of one hour.
package struct Measured: Sendable, Equatable {
    package var measure: Measure
    package var value: Double
    /// In effect, all factors included.
    package var threshold: Double
    package var isAlert: Bool { abs(value) >= threshold }
}

/// How an hour was judged last; what the series of a feature shows of it.
package struct Judgement: Sendable, Equatable {
    package var kind: Comparison.Kind
    /// Hours compared with.
    package var hours: Int
    package var mean: Double?
    package var deviation: Double?
    package var nullRate: Double?
    package var median: Double?
    package var measures: [Measured]

    init(_ comparison: Comparison, _ measures: [Measured]) {
        kind = comparison.kind
        hours = comparison.hours
        let summary = comparison.summary
        mean = summary.numbers > 0 ? summary.mean : nil
        deviation = summary.deviation
        nullRate = summary.nullRate
        median = summary.sketch.quantile(0.5)
        self.measures = measures
    }

    // MARK: Bytes: kind UInt8, number of measures UInt8, hours UInt16, mean, deviation, null rate, median Double (NaN: none);
    // then measure UInt8, value Double, threshold Double each

    init?(bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard let kind = reader.read(UInt8.self).flatMap(Comparison.Kind.init(rawValue:)), let count = reader.read(UInt8.self),
            let hours = reader.read(UInt16.self)
        else { return nil }
        self.kind = kind
        self.hours = Int(hours)
        func number() -> Double? { reader.readDouble().flatMap { $0.isNaN ? nil : $0 } }
        mean = number()
        deviation = number()
        nullRate = number()
        median = number()
        measures = []
        for _ in 0..<count {
            guard let measure = reader.read(UInt8.self).flatMap(Measure.init(rawValue:)), let value = reader.readDouble(),
                let threshold = reader.readDouble()
            else { return nil }
            measures.append(Measured(measure: measure, value: value, threshold: threshold))
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = [kind.rawValue, UInt8(measures.count)]
        bytes.append(UInt16(clamping: hours))
        for number in [mean, deviation, nullRate, median] { bytes.append(number ?? .nan) }
        for measured in measures {
            bytes.append(measured.measure.rawValue)
            bytes.append(measured.value)
            bytes.append(measured.threshold)
        }
        return bytes
    }
}
