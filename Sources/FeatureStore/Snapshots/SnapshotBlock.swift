/// The header of one block of a snapshot. docs/STORAGE.md#snapshots has the bytes.
///
/// A block's header is hashed with the hash of the header before it, and contains the hash of the block's content. So a reader that finds a header
/// right knows that everything before it in the section was there, once and in this order; and it trusts a length only after that.
struct SnapshotBlock: Equatable {
    enum Kind: UInt8 {
        /// Opens a section: format, snapshot, shard.
        case start = 1
        /// The name of the table whose entries follow.
        case table = 2
        case entries = 3
        /// Closes a section.
        case end = 4
        /// The manifest, as the last block of a stream.
        case manifest = 5
    }

    static let headerBytes = 40
    /// "MRSB"
    static let magic: UInt32 = 0x4253_524D
    static let formatVersion: UInt16 = 1
    /// A block of entries ends when it is at least so long.
    static let targetBytes = 1 << 20
    /// An entry is never split, so a block may be longer than `targetBytes`; nothing that we write comes near.
    static let maxBytes = 1 << 30

    var kind: Kind
    var isCompressed = false
    /// Counts the blocks of a section from 0.
    var number: UInt32 = 0
    /// Bytes of the content as it is stored, and decompressed.
    var storedBytes: UInt32 = 0
    var rawBytes: UInt32 = 0
    var entries: UInt32 = 0
    var contentHash: UInt64 = 0

    /// Writes the header; answers its hash, which the next one is hashed with.
    func write(to bytes: UnsafeMutableRawBufferPointer, after previous: UInt64) -> UInt64 {
        bytes.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
        bytes.storeBytes(of: kind.rawValue, toByteOffset: 4, as: UInt8.self)
        bytes.storeBytes(of: isCompressed ? 1 : 0, toByteOffset: 5, as: UInt8.self)
        bytes.storeBytes(of: 0, toByteOffset: 6, as: UInt16.self)
        bytes.storeBytes(of: number.littleEndian, toByteOffset: 8, as: UInt32.self)
        bytes.storeBytes(of: storedBytes.littleEndian, toByteOffset: 12, as: UInt32.self)
        bytes.storeBytes(of: rawBytes.littleEndian, toByteOffset: 16, as: UInt32.self)
        bytes.storeBytes(of: entries.littleEndian, toByteOffset: 20, as: UInt32.self)
        bytes.storeBytes(of: contentHash.littleEndian, toByteOffset: 24, as: UInt64.self)
        let hash = XXHash64.hash(UnsafeRawBufferPointer(rebasing: bytes[..<32]), seed: previous)
        bytes.storeBytes(of: hash.littleEndian, toByteOffset: 32, as: UInt64.self)
        return hash
    }

    /// Nil, with the reason, when the bytes are no header that comes after `previous` as number `number`.
    static func read(
        _ bytes: UnsafeRawBufferPointer, after previous: UInt64, number: UInt32
    ) -> Result<(block: SnapshotBlock, hash: UInt64), Fault> {
        func load<T: FixedWidthInteger>(_ at: Int, _: T.Type) -> T { T(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: T.self)) }
        guard load(0, UInt32.self) == magic else { return .failure(Fault("no block begins here")) }
        let hash = XXHash64.hash(UnsafeRawBufferPointer(rebasing: bytes[..<32]), seed: previous)
        guard load(32, UInt64.self) == hash else {
            let found = load(8, UInt32.self)
            return .failure(Fault(
                found == number ? "the checksum of the header of block \(number) is wrong"
                    : "block \(number) is expected here, not \(found): blocks are missing, repeated or out of order"))
        }
        guard let kind = Kind(rawValue: bytes[4]), bytes[5] <= 1, load(6, UInt16.self) == 0, load(8, UInt32.self) == number else {
            return .failure(Fault("the header of block \(number) is none that this program knows"))
        }
        let block = SnapshotBlock(
            kind: kind, isCompressed: bytes[5] == 1, number: number, storedBytes: load(12, UInt32.self), rawBytes: load(16, UInt32.self),
            entries: load(20, UInt32.self), contentHash: load(24, UInt64.self))
        guard block.storedBytes <= maxBytes, block.rawBytes <= maxBytes else { return .failure(Fault("block \(number) is too large")) }
        return .success((block, hash))
    }

    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
