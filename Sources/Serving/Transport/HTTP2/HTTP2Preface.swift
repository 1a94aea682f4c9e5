/// What a client of HTTP/2 sends first (RFC 9113, section 3.4).
package enum HTTP2Preface {
    package static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    package static var count: Int { text.utf8CodeUnitCount }
}
