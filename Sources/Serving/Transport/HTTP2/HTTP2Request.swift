internal import NIOHPACK
package import Serving

/// The head of a request. One object may serve many requests that are alike; see `FieldDecoder`.
package final class HTTP2Request {
    package let method: String
    package let path: String
    package let contentType: String
    package let contentLength: Int?
    /// What the responder found for this head, so that it need not look again.
    package var route: AnyObject?
    /// Of the field of that name; empty: there is none. Several are none that means anything.
    private let authorization: [UInt8]
    private let peer: Peer
    private let fields: [(name: String, value: String)]

    /// The first field of that name, in lower case.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Who sends it.
    ///
    /// - Parameter now: ns of the monotonic clock.
    package func caller(_ transport: Caller.Transport, at now: Int64) -> Caller {
        Caller(authorization.withUnsafeBytes { peer.standing($0, at: now) }, address: peer.address, transport: transport)
    }

    /// Nil when the head is malformed (RFC 9113, section 8).
    init?(_ headers: HPACKHeaders, _ peer: Peer) {
        var method: String?, path: String?, scheme: String?, contentLength: Int?
        var contentType = ""
        var authorization: [UInt8] = []
        var fields: [(name: String, value: String)] = []
        for (name, value, _) in headers {
            guard Self.isClean(value) else { return nil }
            if name.utf8.first == UInt8(ascii: ":") {
                guard fields.isEmpty else { return nil }
                switch name {
                case ":method" where method == nil: method = value
                case ":path" where path == nil: path = value
                case ":scheme" where scheme == nil: scheme = value
                case ":authority": break
                default: return nil
                }
                continue
            }
            switch name {
            case "connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection": return nil
            case "te" where value != "trailers": return nil
            case "content-type": contentType = value
            case "authorization":
                if !authorization.isEmpty { authorization.append(UInt8(ascii: ",")) }
                authorization += Array(value.utf8)
            case "content-length":
                guard let length = Int(value), length >= 0, contentLength ?? length == length else { return nil }
                contentLength = length
            default:
                guard Self.isFieldName(name) else { return nil }
            }
            fields.append((name, value))
        }
        guard let method, let path, scheme != nil, path.utf8.first == UInt8(ascii: "/") || path == "*" else { return nil }
        self.method = method
        self.path = path
        self.contentType = contentType
        self.contentLength = contentLength
        self.fields = fields
        self.authorization = authorization
        self.peer = peer
    }

    private static func isClean(_ value: String) -> Bool { value.utf8.allSatisfy { $0 != 0 && $0 != 10 && $0 != 13 } }

    private static func isFieldName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") && !(0x41...0x5a).contains($0) }
    }
}
