import FeatureStore

/// What the values of one feature were like in one hour, or in several together. Mergeable; at most `maxBytes` as bytes.
package struct FeatureSummary: Sendable, Equatable {
    package static let maxBytes = 2242
    private static let version: UInt8 = 1

    /// Observations, those without a value included.
    package private(set) var count: UInt64 = 0
    package private(set) var nulls: UInt64 = 0
    /// Of the numbers among the values.
    package private(set) var numbers: UInt64 = 0
    package private(set) var mean = 0.0
    /// Sum of the squared distances from the mean.
    private var squares = 0.0
    package private(set) var minimum = Double.infinity
    package private(set) var maximum = -Double.infinity
    package private(set) var sketch = ValueSketch()
    private var distinctValues = DistinctSketch.values
    package private(set) var frequent = FrequentValues()

    package init() {}

    package var values: UInt64 { count - nulls }
    package var nullRate: Double? { count > 0 ? Double(nulls) / Double(count) : nil }
    package var deviation: Double? { numbers > 0 ? (squares / Double(numbers)).squareRoot() : nil }
    package var distinct: Double? { values > 0 ? distinctValues.estimate.rounded() : nil }
    package var topShare: Double? { values > 0 ? Double(frequent.top?.count ?? 0) / Double(values) : nil }
    /// Whether its values are hashes of strings.
    package var isCategory: Bool { values > numbers }

    package mutating func add(_ observed: Observed) {
        switch observed {
        case .left: return
        case .null:
            count += 1
            nulls += 1
        case .hash(let hash):
            count += 1
            distinctValues.add(hash)
            frequent.add(hash)
        case .number(let number):
            count += 1
            numbers += 1
            let distance = number - mean
            mean += distance / Double(numbers)
            squares += distance * (number - mean)
            minimum = min(minimum, number)
            maximum = max(maximum, number)
            sketch.add(number)
            // Of a number, its bits say what it is, for whoever asks which value is stuck; the sketch of distinct ones wants them mixed.
            let bits = (number == 0 ? 0 : number).bitPattern
            distinctValues.add(SampleHash.mix(bits))
            frequent.add(bits)
        }
    }

    package mutating func merge(_ other: FeatureSummary) {
        if other.numbers > 0 {
            let a = Double(numbers), b = Double(other.numbers)
            let distance = other.mean - mean
            mean += distance * b / (a + b)
            squares += other.squares + distance * distance * a * b / (a + b)
        }
        count += other.count
        nulls += other.nulls
        numbers += other.numbers
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        sketch.merge(other.sketch)
        distinctValues.merge(other.distinctValues)
        frequent.merge(other.frequent)
    }

    // MARK: Bytes (docs/STORAGE.md)

    /// `isDrifted`: whether a drift was found in the hour.
    package func bytes(isDrifted: Bool) -> [UInt8] {
        var bytes: [UInt8] = [Self.version, isDrifted ? 1 : 0, 0, 0]
        bytes.reserveCapacity(1024)
        for number in [count, nulls, numbers] { bytes.append(number) }
        for number in [mean, squares, minimum, maximum] { bytes.append(number) }
        distinctValues.write(to: &bytes)
        frequent.write(to: &bytes)
        sketch.write(to: &bytes)
        return bytes
    }

    /// Nil for bytes that are no summary.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard reader.read(UInt8.self) == Self.version, reader.read(UInt8.self) != nil, reader.read(UInt16.self) != nil,
            let count = reader.read(UInt64.self), let nulls = reader.read(UInt64.self), let numbers = reader.read(UInt64.self),
            let mean = reader.readDouble(), let squares = reader.readDouble(), let minimum = reader.readDouble(),
            let maximum = reader.readDouble(), nulls <= count, numbers <= count - nulls,
            let distinct = DistinctSketch(&reader, .values), let frequent = FrequentValues(&reader), let sketch = ValueSketch(&reader),
            reader.isAtEnd
        else { return nil }
        (self.count, self.nulls, self.numbers) = (count, nulls, numbers)
        (self.mean, self.squares, self.minimum, self.maximum) = (mean, squares, minimum, maximum)
        (distinctValues, self.frequent, self.sketch) = (distinct, frequent, sketch)
    }

    package static func isDrifted(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.count > 1 && bytes[1] & 1 != 0 }
}
