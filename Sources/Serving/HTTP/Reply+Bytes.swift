internal import HTTPTypes
internal import NIOCore
internal import Serving

extension ByteBuffer {
    /// A reply over HTTP/1.1.
    mutating func writeReply(_ reply: Reply, date: DateHeader) {
        writeString("HTTP/1.1 \(HTTPResponse.Status(code: reply.status))\r\nContent-Type: \(reply.contentType)\r\n")
        for (name, value) in reply.headers { writeString("\(name): \(value)\r\n") }
        date.write(to: &self)
        writeContentLength(reply.body.count)
        writeBytes(reply.body)
    }

    /// And the empty line: it comes last.
    mutating func writeContentLength(_ count: Int) {
        writeStaticString("Content-Length: ")
        writeString(String(count))
        writeStaticString("\r\n\r\n")
    }
}

/// A reply that is always the same, rendered once: under overload there are many of them.
struct PreparedReply: Sendable {
    let status: Int
    private let before: [UInt8]
    private let after: [UInt8]

    init(_ reply: Reply) {
        status = reply.status
        var head = "HTTP/1.1 \(HTTPResponse.Status(code: reply.status))\r\nContent-Type: \(reply.contentType)\r\n"
        for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
        before = Array(head.utf8)
        after = Array("Content-Length: \(reply.body.count)\r\n\r\n".utf8) + reply.body
    }

    func write(to output: inout ByteBuffer, date: DateHeader) {
        output.writeBytes(before)
        date.write(to: &output)
        output.writeBytes(after)
    }
}
