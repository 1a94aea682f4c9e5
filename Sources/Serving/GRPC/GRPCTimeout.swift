/// The field `grpc-timeout`: how long the client waits.
package enum GRPCTimeout {
    /// Up to eight digits and a unit. Nil when it is not that: then there is no limit.
    package static func nanoseconds(_ text: String) -> Int64? {
        guard let unit = text.utf8.last, (2...9).contains(text.utf8.count), let number = Int64(text.dropLast()), number >= 0 else { return nil }
        let factor: Int64
        switch unit {
        case UInt8(ascii: "H"): factor = 3_600_000_000_000
        case UInt8(ascii: "M"): factor = 60_000_000_000
        case UInt8(ascii: "S"): factor = 1_000_000_000
        case UInt8(ascii: "m"): factor = 1_000_000
        case UInt8(ascii: "u"): factor = 1_000
        case UInt8(ascii: "n"): factor = 1
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
