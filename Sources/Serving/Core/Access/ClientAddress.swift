/// Where a connection comes from: as text for the audit log, and by what is counted together.
public struct ClientAddress: Sendable, Equatable {
    public let text: String
    /// Of an IPv6 address the first 64 bits, since a customer of a provider has all of those behind them.
    let network: UInt64

    /// - Parameter bytes: 4 of IPv4, 16 of IPv6; nothing: unknown, as of a connection within the process.
    public init(text: String, bytes: [UInt8]) {
        self.text = text
        let isMapped = bytes.count == 16 && bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        let counted = isMapped ? bytes[12...] : bytes.prefix(8)
        network = counted.reduce(UInt64(counted.count)) { $0 &* 0x1_0000_0001_b3 ^ UInt64($1) }
    }

    public static let unknown = ClientAddress(text: "", bytes: [])
}
