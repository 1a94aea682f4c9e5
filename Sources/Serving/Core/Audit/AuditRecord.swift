internal import FeatureStore
internal import JSONBytes

/// One line of the audit log, before it has its place in the chain.
struct AuditRecord: Sendable {
    /// µs since the epoch.
    var time: Int64
    var event: AuditEvent
    var principal: String
    var credential: String
    var address: String
    var transport: String
    /// `ok`, or the slug of the problem.
    var outcome: String

    /// Lines end with this member, so that the hash is of all that stands before it.
    static let hashMember = Array(",\"hash\":\"".utf8)

    /// `{"n":1,...,"hash":"..."}` and a line feed. The hash is SHA-256 over the previous record's hash, as its 64 digits, and the line's bytes up to
    /// `,"hash"`.
    func line(number: Int64, after previous: String, hasKeys: Bool) -> (bytes: [UInt8], hash: String) {
        var json = JSONWriter(reservingBytes: 512)
        json.beginObject()
        json.member("n", number)
        json.key("time")
        json.time(time)
        json.member("operation", event.operation)
        json.member("principal", principal)
        json.member("credential", credential)
        json.member("address", address)
        json.member("transport", transport)
        json.member("target", Self.cut(event.target))
        json.member("entities", event.entities)
        if hasKeys {
            json.key("keys")
            json.strings(event.keys.lazy.map(Self.cut))
        }
        json.member("outcome", outcome)
        json.endObject()
        let body = json.bytes.dropLast()
        var hash = SHA256()
        hash.update(previous.utf8)
        hash.update(body)
        let text = hash.finish().hexadecimal
        return (Array(body) + Self.hashMember + Array(text.utf8) + Array("\"}\n".utf8), text)
    }

    private static func cut(_ text: String) -> String { text.utf8.count <= 512 ? text : String(text.prefix(512)) }
}

/// The newest record of a chain.
public struct AuditHead: Sendable, Equatable, CustomStringConvertible {
    public var number: Int64
    public var hash: String

    public init(number: Int64, hash: String) {
        self.number = number
        self.hash = hash
    }

    /// Before the first record.
    public static let none = AuditHead(number: 0, hash: String(repeating: "0", count: 64))

    /// `17:9f86d081...`, as `description` writes it; nil: it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int64(parts[0]), number >= 0, parts[1].utf8.count == 64, parts[1].allSatisfy(\.isHexDigit) else { return nil }
        self.init(number: number, hash: parts[1].lowercased())
    }

    public var description: String { "\(number):\(hash)" }
}

/// A line of the file, taken apart.
struct AuditLine {
    let number: Int64
    let hash: String
    private let body: ArraySlice<UInt8>

    /// - Parameter line: without its line feed. Nil: it is no record.
    init?(_ line: ArraySlice<UInt8>) {
        let tail = AuditRecord.hashMember.count + 64 + 2
        guard line.count > tail, Self.begins(line), let number = Self.number(line), line.suffix(2).elementsEqual("\"}".utf8) else { return nil }
        body = line.dropLast(tail)
        guard line[body.endIndex...].starts(with: AuditRecord.hashMember) else { return nil }
        hash = String(decoding: line.suffix(66).dropLast(2), as: UTF8.self)
        self.number = number
    }

    /// Whether a record begins like this, rather than in its middle.
    static func begins(_ bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: "{\"n\":".utf8) }

    /// The number of the record whose line begins like this.
    static func number(_ start: some Sequence<UInt8>) -> Int64? {
        let digits = Array(start.prefix(25)).dropFirst(5).prefix { $0 >= 0x30 && $0 <= 0x39 }
        return Int64(String(decoding: digits, as: UTF8.self))
    }

    /// Whether it is what was written behind a record of that hash.
    func follows(_ previous: String) -> Bool {
        var digest = SHA256()
        digest.update(previous.utf8)
        digest.update(body)
        return digest.finish().hexadecimal == hash
    }
}
