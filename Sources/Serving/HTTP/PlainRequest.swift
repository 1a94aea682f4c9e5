/// The head of a request of the plain kind: HTTP/1.1, `GET` or `POST`, a path, one `Host`, and no header field that changes how the
/// message is framed but a `Content-Length`.
///
/// Whatever this does not fully understand is `unusual` and left to a complete HTTP implementation: chunked bodies, `Expect`, upgrades,
/// closing connections, other versions and methods, folded lines, white space before a colon, and everything malformed.
package struct PlainRequest: BitwiseCopyable, Equatable {
    package var isPost: Bool
    /// Where the target is.
    package var targetStart: Int
    package var targetEnd: Int
    /// Bytes up to and with the empty line.
    package var headBytes: Int
    package var bodyBytes: Int
    /// Where the value of `Accept` is; empty without one.
    package var acceptStart = 0
    package var acceptEnd = 0
    /// And that of `Authorization`.
    package var authorizationStart = 0
    package var authorizationEnd = 0
    /// `Millrace-Timeout-Ms`: how long the sender waits.
    package var timeoutMilliseconds: Int?

    package enum Parsed: BitwiseCopyable, Equatable {
        /// More bytes are needed to tell.
        case incomplete
        case plain(PlainRequest)
        case unusual
    }

    /// A longer head is unusual.
    package static let maxHeadBytes = 16 << 10

    /// O(bytes of the head), in place.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        let end = min(bytes.count, maxHeadBytes)
        let isPost: Bool
        var at: Int
        if bytes.has("GET ", at: 0) {
            (isPost, at) = (false, 4)
        } else if bytes.has("POST ", at: 0) {
            (isPost, at) = (true, 5)
        } else {
            return end < 5 && (isPrefix(bytes, of: "GET ") || isPrefix(bytes, of: "POST ")) ? .incomplete : .unusual
        }
        let targetStart = at
        while at < end, bytes[at] > 0x20, bytes[at] < 0x7f { at += 1 }
        let targetEnd = at
        guard at < end else { return more(bytes) }
        guard bytes[at] == UInt8(ascii: " "), targetEnd > targetStart, bytes[targetStart] == UInt8(ascii: "/") else { return .unusual }
        at += 1
        guard at + 10 <= end else { return more(bytes) }
        guard bytes.has("HTTP/1.1\r\n", at: at) else { return .unusual }
        at += 10
        var request = PlainRequest(isPost: isPost, targetStart: targetStart, targetEnd: targetEnd, headBytes: 0, bodyBytes: 0)
        var hosts = 0
        var length: Int?
        while true {
            guard at + 2 <= end else { return more(bytes) }
            if bytes[at] == UInt8(ascii: "\r") {
                guard bytes[at + 1] == UInt8(ascii: "\n") else { return .unusual }
                break
            }
            let name = at
            while at < end, isToken(bytes[at]) { at += 1 }
            guard at < end else { return more(bytes) }
            guard bytes[at] == UInt8(ascii: ":"), at > name else { return .unusual }
            let nameEnd = at
            at += 1
            while at < end, bytes[at] == UInt8(ascii: " ") { at += 1 }
            let value = at
            while at < end, bytes[at] >= 0x20 && bytes[at] != 0x7f || bytes[at] == UInt8(ascii: "\t") { at += 1 }
            guard at + 2 <= end else { return more(bytes) }
            guard bytes[at] == UInt8(ascii: "\r"), bytes[at + 1] == UInt8(ascii: "\n") else { return .unusual }
            switch nameEnd - name {
            case 4 where equals(bytes, name, "host"): hosts += 1
            case 6 where equals(bytes, name, "expect"): return .unusual
            case 6 where equals(bytes, name, "accept"):
                // Several are one list, which only a complete implementation puts together.
                guard request.acceptEnd == 0 else { return .unusual }
                (request.acceptStart, request.acceptEnd) = (value, at)
            case 7 where equals(bytes, name, "upgrade"): return .unusual
            case 7 where equals(bytes, name, "trailer"): return .unusual
            case 10 where equals(bytes, name, "connection"):
                guard at - value == 10, equals(bytes, value, "keep-alive") else { return .unusual }
            case 13 where equals(bytes, name, "authorization"):
                guard request.authorizationEnd == 0 else { return .unusual }
                (request.authorizationStart, request.authorizationEnd) = (value, at)
            case 14 where equals(bytes, name, "content-length"):
                guard length == nil, let number = number(bytes, value, at) else { return .unusual }
                length = number
            case 17 where equals(bytes, name, "transfer-encoding"): return .unusual
            case 19 where equals(bytes, name, "millrace-timeout-ms"):
                guard request.timeoutMilliseconds == nil, let number = number(bytes, value, at), number > 0 else { return .unusual }
                request.timeoutMilliseconds = number
            default: break
            }
            at += 2
        }
        guard hosts == 1, isPost == (length != nil) else { return .unusual }
        request.headBytes = at + 2
        request.bodyBytes = length ?? 0
        return .plain(request)
    }

    private static func more(_ bytes: UnsafeRawBufferPointer) -> Parsed { bytes.count < maxHeadBytes ? .incomplete : .unusual }

    private static func isPrefix(_ bytes: UnsafeRawBufferPointer, of text: StaticString) -> Bool {
        for i in 0..<min(bytes.count, text.utf8CodeUnitCount) where bytes[i] != text.utf8Start[i] { return false }
        return true
    }

    /// Whatever its case; `text` is in lower case and as long as what it is compared with.
    @inline(__always)
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ text: StaticString) -> Bool {
        for i in 0..<text.utf8CodeUnitCount {
            let byte = bytes[at + i]
            let lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
            if lower != text.utf8Start[i] { return false }
        }
        return true
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int? {
        guard end > start, end - start <= 12 else { return nil }
        var number = 0
        for at in start..<end {
            guard bytes[at] >= 0x30, bytes[at] <= 0x39 else { return nil }
            number = number * 10 + Int(bytes[at] - 0x30)
        }
        return number
    }

    /// `tchar` of RFC 9110.
    @inline(__always)
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d, 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
        default: false
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether `text` stands at `offset`.
    @inline(__always)
    func has(_ text: StaticString, at offset: Int) -> Bool {
        guard offset + text.utf8CodeUnitCount <= count else { return false }
        for i in 0..<text.utf8CodeUnitCount where self[offset + i] != text.utf8Start[i] { return false }
        return true
    }
}
