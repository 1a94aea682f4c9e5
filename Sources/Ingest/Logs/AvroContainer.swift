internal import Avro
internal import Compression
internal import JSONBytes

/// The framing of an Avro object container (Avro 1.11 specification, "Object Container Files"). libavro reads the schema and the
/// records; the framing is read here because libavro tells no positions, reads on one thread and cannot begin in the middle.
enum AvroContainer {
    static let magic: [UInt8] = [0x4f, 0x62, 0x6a, 1]
    static let syncBytes = 16
    /// Of the header's metadata.
    static let maxHeaderBytes = 16 << 20

    struct Header: Sendable, Equatable {
        var schema: [UInt8]
        var codec: BlockCodec
        var sync: [UInt8]
    }

    /// One block of the container within a `LogBlock`.
    struct Part: Sendable, Equatable {
        /// Of the data, which the sync marker follows.
        var start: Int
        var count: Int
        var records: Int64
    }

    /// Why bytes are no container; nil with `needsMore`: they may become one.
    enum Parsed<Value> {
        case value(Value, end: Int)
        case needsMore
        case invalid(String)
    }

    static func header(_ bytes: UnsafeRawBufferPointer) -> Parsed<Header> {
        var at = magic.count
        if bytes.count < at { return .needsMore }
        guard bytes.starts(with: magic) else { return .invalid("it does not begin as an Avro container does") }
        var metadata: [String: [UInt8]] = [:]
        while true {
            guard var count = long(bytes, &at) else { return .needsMore }
            if count == 0 { break }
            if count < 0 {
                // A negative count is followed by the bytes of the group, for those who skip it.
                count = 0 &- count
                guard long(bytes, &at) != nil else { return .needsMore }
            }
            guard 0...10_000 ~= count else { return .invalid("its header has \(count) entries") }
            for _ in 0..<count {
                guard let name = self.bytes(bytes, &at), let value = self.bytes(bytes, &at) else {
                    return bytes.count > maxHeaderBytes ? .invalid("its header has more than \(maxHeaderBytes) bytes") : .needsMore
                }
                metadata[String(decoding: name, as: UTF8.self)] = value
            }
        }
        guard at + syncBytes <= bytes.count else { return .needsMore }
        guard let schema = metadata["avro.schema"] else { return .invalid("its header has no schema") }
        let codecName = metadata["avro.codec"].map { String(decoding: $0, as: UTF8.self) } ?? "null"
        guard let codec = BlockCodec(rawValue: codecName) else {
            return .invalid("its codec is `\(codecName)`, and null, deflate, snappy and zstandard can be read")
        }
        let sync = Array(bytes[at..<at + syncBytes])
        return .value(Header(schema: schema, codec: codec, sync: sync), end: at + syncBytes)
    }

    /// The container's block that begins at `start`.
    static func part(_ bytes: UnsafeRawBufferPointer, at start: Int, _ header: Header, maxBytes: Int) -> Parsed<Part> {
        var at = start
        guard let records = long(bytes, &at), let count = long(bytes, &at) else {
            return bytes.count - start >= 20 ? .invalid("a block does not begin with two numbers") : .needsMore
        }
        guard records >= 0, count >= 0 else { return .invalid("a block says that it has \(records) records in \(count) bytes") }
        guard count <= maxBytes else { return .invalid("a block says that it has \(count) bytes, and at most \(maxBytes) are read") }
        let end = at + Int(count) + syncBytes
        guard end <= bytes.count else { return .needsMore }
        guard bytes[(end - syncBytes)..<end].elementsEqual(header.sync) else {
            return .invalid("a block does not end with the file's sync marker: the file is damaged")
        }
        return .value(Part(start: at, count: Int(count), records: records), end: end)
    }

    private static func long(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
        var value: UInt64 = 0
        for n in 0..<10 {
            guard at + n < bytes.count else { return nil }
            value |= UInt64(bytes[at + n] & 0x7f) << UInt64(7 * n)
            if bytes[at + n] < 0x80 {
                at += n + 1
                return Int64(bitPattern: value >> 1 ^ (0 &- (value & 1)))
            }
        }
        return nil
    }

    private static func bytes(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> [UInt8]? {
        guard let count = long(bytes, &at), count >= 0, count <= bytes.count - at else { return nil }
        defer { at += Int(count) }
        return Array(bytes[at..<at + Int(count)])
    }
}
