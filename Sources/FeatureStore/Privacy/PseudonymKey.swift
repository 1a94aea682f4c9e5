/// The secret with which pseudonyms are made, read from a file; or, without one, a public constant: then whoever can guess an id can tell its
/// pseudonym.
///
/// It never appears in texts: what is printed of it is its fingerprint.
public struct PseudonymKey: Sendable, Equatable, CustomStringConvertible {
    private let words: (UInt64, UInt64)

    /// Where no key file is given.
    package static let open = PseudonymKey(0, 0)

    private init(_ first: UInt64, _ second: UInt64) { words = (first, second) }

    /// 32 hexadecimal digits, as `openssl rand -hex 16` prints them. Nil when they are not.
    public init?(hexadecimal text: String) {
        guard let bytes = [UInt8](hexadecimal: text), bytes.count == 16 else { return nil }
        words = bytes.withUnsafeBytes { ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }

    public static func == (a: Self, b: Self) -> Bool { a.words == b.words }

    /// Tells one key from another and nothing else of it; kept in the shards.
    package var fingerprint: UInt64 { hash(Array("millrace pseudonym key".utf8)).first }

    public var description: String { "key with the fingerprint \(hexadecimal(fingerprint))" }

    /// The key of one entity's pseudonyms: the same id of two entities has two.
    package func ofEntity(_ name: String) -> PseudonymKey {
        let hash = hash(Array(name.utf8))
        return PseudonymKey(hash.first, hash.second)
    }

    private func hash(_ bytes: [UInt8]) -> Pseudonym { bytes.withUnsafeBytes { pseudonym($0) } }

    @inline(__always)
    package func pseudonym(_ id: UnsafeRawBufferPointer) -> Pseudonym {
        let hash = SipHash.hash128(id, key: words)
        return Pseudonym(hash.0, hash.1)
    }
}

/// What stands for an entity's id where the id itself is not kept. 16 bytes.
public struct Pseudonym: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 16
    let first: UInt64
    let second: UInt64

    init(_ first: UInt64, _ second: UInt64) { (self.first, self.second) = (first, second) }

    init(_ bytes: UnsafeRawBufferPointer) {
        first = bytes.loadUnaligned(as: UInt64.self)
        second = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    var bytes: [UInt8] { withUnsafeBytes(of: first) { Array($0) } + withUnsafeBytes(of: second) { Array($0) } }

    /// `room` has 16 bytes.
    @inline(__always)
    func write(to room: UnsafeMutableRawPointer) {
        room.storeBytes(of: first, as: UInt64.self)
        room.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
    }

    public var description: String { bytes.hexadecimal }
}
