/// What a client of HTTP/2 sends first (RFC 9113, section 3.4). No request of HTTP/1.1 begins so.
package enum HTTP2Preface {
    package static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    package static var count: Int { text.utf8CodeUnitCount }

    package enum Match { case none, part, whole }

    /// Whether `bytes` begin with the preface, or are the beginning of it.
    package static func match(_ bytes: some Collection<UInt8>) -> Match {
        for (i, byte) in bytes.prefix(count).enumerated() where byte != text.utf8Start[i] { return .none }
        return bytes.count >= count ? .whole : .part
    }
}
