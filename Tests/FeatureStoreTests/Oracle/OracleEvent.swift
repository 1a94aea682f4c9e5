import FeatureStore

/// A value of a field as the oracle sees it: bools are 0 and 1, decimals are units.
enum OracleValue: Hashable, Sendable {
    case integer(Int64)
    case text(String)
    case vector([Int64])
}

/// An event, kept as it came.
struct OracleEvent: Hashable, Sendable {
    /// Index into `Definitions.streams`.
    var stream: Int
    var time: Int64
    var id: UInt64
    /// In the order of the stream's fields; nil is null.
    var fields: [OracleValue?]

    /// The id of an event of a stream without ids: equal only for events that are equal in every value.
    static func tieBreak(_ fields: [OracleValue?]) -> UInt64 {
        fields.reduce(0) { hash, field in
            switch field {
            case nil: XXHash64.hash(0, seed: hash)
            case .integer(let n): XXHash64.hash(n, seed: hash &+ 1)
            case .text(let text): Array(text.utf8).withUnsafeBytes { XXHash64.hash($0, seed: hash &+ 2) }
            case .vector(let elements): elements.withUnsafeBytes { XXHash64.hash($0, seed: hash &+ 3) }
            }
        }
    }
}

/// Owns the bytes that `FieldValue`s point at.
final class EventMemory {
    private var known: [String: UnsafeMutableRawBufferPointer] = [:]
    private var handedOut: [UnsafeMutablePointer<FieldValue>] = []
    private var vectors: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for bytes in known.values { bytes.deallocate() }
        for values in handedOut { values.deallocate() }
        for bytes in vectors { bytes.deallocate() }
    }

    func bytes(_ text: String) -> UnsafeRawBufferPointer {
        if let bytes = known[text] { return UnsafeRawBufferPointer(bytes) }
        let utf8 = Array(text.utf8)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: utf8.count, alignment: 1)
        bytes.copyBytes(from: utf8)
        known[text] = bytes
        return UnsafeRawBufferPointer(bytes)
    }

    /// Calls `body` with the event's values as the engine takes them: one key, then the fields. They live as long as this object, because
    /// an editor reads them until the row is finished.
    func withValues<R>(_ event: OracleEvent, key: String = "k", _ body: (UnsafePointer<FieldValue>) -> R) -> R {
        var values = [FieldValue.string(bytes(key))]
        for field in event.fields {
            switch field {
            case nil: values.append(.null)
            case .integer(let value): values.append(.integer(value))
            case .text(let text): values.append(.string(bytes(text)))
            case .vector(let elements):
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: elements.count * 8, alignment: 8)
                elements.withUnsafeBytes { bytes.copyMemory(from: $0) }
                vectors.append(bytes)
                values.append(.vector(UnsafeRawBufferPointer(bytes)))
            }
        }
        let copy = UnsafeMutablePointer<FieldValue>.allocate(capacity: values.count)
        copy.initialize(from: values, count: values.count)
        handedOut.append(copy)
        return body(copy)
    }

    static func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) } }
}
