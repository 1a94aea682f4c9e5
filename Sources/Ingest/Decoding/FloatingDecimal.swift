import JSONBytes

/// A floating-point number as units of a decimal: what its shortest round-trip text says, exactly, so that an event means the same in
/// Protobuf and in JSON.
enum FloatingDecimal {
    /// Rounds half to even beyond the scale, which is 0...9. Not-a-number and infinities are no numbers.
    static func units(_ value: Double, scale: Int) -> JSONNumber.Parsed {
        // Decimals of at most 15 digits and doubles name each other uniquely (DBL_DIG), and the quotient of two exact doubles is the
        // double nearest to the decimal. So when it comes back, `units` is the shortest text.
        let power = powers[scale]
        let units = (value * power).rounded()
        if units.magnitude < 1e15, units / power == value { return .value(Int64(units)) }
        guard value.isFinite else { return .notANumber }
        return parse(value.description, scale: scale)
    }

    static func units(_ value: Float, scale: Int) -> JSONNumber.Parsed {
        let power = Float(powers[scale])
        let units = (value * power).rounded()
        if units.magnitude < 1e6, units / power == value { return .value(Int64(units)) }
        guard value.isFinite else { return .notANumber }
        return parse(value.description, scale: scale)
    }

    private static func parse(_ shortest: String, scale: Int) -> JSONNumber.Parsed {
        var shortest = shortest
        return shortest.withUTF8 { JSONNumber.parseDecimal(UnsafeRawBufferPointer($0), scale: scale) }
    }

    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
}
