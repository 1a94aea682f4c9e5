import Foundation

/// A blocking HTTP/1.1 client that sends what it is given, byte for byte, and reads answers by `Content-Length`.
final class Client {
    struct Answer {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    private let socket: RawSocket
    private var buffer: [UInt8] = []

    init(_ port: Int) throws { socket = try RawSocket(port) }

    func ask(_ request: String) throws -> Answer {
        try send(request)
        return try receive()
    }

    func send(_ text: String) throws { try socket.send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }
    func sendIfPossible(_ bytes: [UInt8]) throws -> Bool { try socket.sendIfPossible(bytes) }

    func receive(hasBody: Bool = true) throws -> Answer {
        var head: [UInt8]?
        while true {
            if head == nil, let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                head = Array(buffer[..<end.lowerBound])
                buffer.removeFirst(end.upperBound)
            }
            if let head {
                let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
                var fields: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
                }
                let length = hasBody ? Int(fields["content-length"] ?? "0") ?? 0 : 0
                if buffer.count >= length {
                    let body = String(decoding: buffer[..<length], as: UTF8.self)
                    buffer.removeFirst(length)
                    return Answer(status: Int(lines[0].split(separator: " ")[1]) ?? 0, fields: fields, body: body)
                }
            }
            let more = try socket.receive()
            guard !more.isEmpty else { throw RawSocket.Failure(text: "closed, have \(buffer.count) bytes") }
            buffer += more
        }
    }
}
