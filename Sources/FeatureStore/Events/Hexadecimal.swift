internal import JSONBytes

/// Sixteen digits.
package func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

extension [UInt8] {
    /// Two lower-case digits a byte.
    package var hexadecimal: String {
        let digits = Array<UInt8>("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Of two digits a byte, in either case; nil when the text is anything else.
    package init?(hexadecimal text: String) {
        let digits = Array<UInt8>(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        self.init()
        for at in stride(from: 0, to: digits.count, by: 2) {
            guard let high = JSONString.hexValue(digits[at]), let low = JSONString.hexValue(digits[at + 1]) else { return nil }
            append(high << 4 | low)
        }
    }
}
