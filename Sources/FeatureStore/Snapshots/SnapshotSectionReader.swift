internal import Compression

/// Reads sections of blocks and checks everything that can be checked: each header against the one before it, each content against its header, the
/// order and number of entries, and that the section ends with its end.
///
/// What it hands out is right, or it throws; but only after the section's end, and the manifest's, is it complete.
final class SnapshotSectionReader {
    enum Content {
        /// The entries that follow are this table's.
        case table(String)
        /// Whole entries, in place until the next one: key length UInt16, value length UInt32, key, value.
        case entries(UnsafeRawBufferPointer, count: Int)
    }

    /// What a section said of itself and what was found in it.
    struct Section {
        var shard: Int
        var snapshot: [UInt8]
        var rows = 0
        var entries = 0
        var dataBytes = 0
        var fileBytes = 0
        var blocks = 0
        var checksum: UInt64 = 0
    }

    enum Next {
        case section(Section)
        case manifest([UInt8])
    }

    private let input: SnapshotInput
    private let decompressor = BlockDecompressor(.zstandard)
    private var content = GrowableBytes(capacity: SnapshotBlock.targetBytes + 65_536)
    private var chain: UInt64 = 0
    private var number: UInt32 = 0
    /// Where the present block begins, for messages.
    private var blockOffset = 0

    init(_ input: SnapshotInput) { self.input = input }

    func damaged(_ what: String) -> SnapshotError { .damaged(what, file: input.path, offset: blockOffset) }

    /// What begins here: the start of a section, or the manifest of a stream. Nil at the end of the input.
    func next() throws -> Next? {
        chain = 0
        number = 0
        guard let (block, bytes) = try readBlock() else { return nil }
        switch block.kind {
        case .start:
            guard bytes.count >= 2 else { throw damaged("the section's start is too short") }
            let format = UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self))
            guard format == SnapshotBlock.formatVersion else {
                throw SnapshotError.refused("\(input.path): the snapshot has format \(format), this program reads format \(SnapshotBlock.formatVersion). Use the program that wrote it.")
            }
            guard bytes.count == 22 else { throw damaged("the section's start has \(bytes.count) bytes, not 22") }
            let shard = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
            return .section(Section(shard: Int(shard), snapshot: Array(bytes[6...])))
        case .manifest: return .manifest(Array(bytes))
        case .table, .entries, .end: throw damaged("a section does not begin here")
        }
    }

    /// Reads the rest of a section.
    func read(_ section: inout Section, began: Int, _ body: (Content) throws -> Void) throws {
        var table: String?
        var lastTable: String?
        var lastKey: [UInt8] = []
        while true {
            guard let (block, bytes) = try readBlock() else { throw damaged("it is cut off before the end of the section") }
            switch block.kind {
            case .table:
                guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty, lastTable?.utf8.lexicographicallyPrecedes(name.utf8) ?? true else {
                    throw damaged("the name of a table is none, or out of order")
                }
                (table, lastTable, lastKey) = (name, name, [])
                try body(.table(name))
            case .entries:
                guard let table else { throw damaged("entries of no table") }
                try check(bytes, block, &lastKey, &section)
                if table == "rows" { section.rows += Int(block.entries) }
                try body(.entries(bytes, count: Int(block.entries)))
            case .end:
                guard bytes.count == 16, UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) == UInt64(section.entries),
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == UInt64(section.dataBytes)
                else { throw damaged("the section's end counts other entries than there were") }
                section.fileBytes = input.offset - began
                section.blocks = Int(number)
                section.checksum = chain
                return
            case .start, .manifest: throw damaged("another section begins before this one has ended")
            }
        }
    }

    /// That the entries are whole and in order.
    private func check(
        _ bytes: UnsafeRawBufferPointer, _ block: SnapshotBlock, _ lastKey: inout [UInt8], _ section: inout Section
    ) throws(SnapshotError) {
        var found: UInt32 = 0
        var last: UnsafeRawBufferPointer?
        let isWhole = Self.forEachEntry(bytes) { key, value in
            let isInOrder = if let last { Self.isLess(last, key) } else { lastKey.withUnsafeBytes { Self.isLess($0, key) } }
            guard isInOrder else { return false }
            last = key
            found += 1
            section.dataBytes += key.count + value.count
            return true
        }
        guard isWhole, found == block.entries else { throw damaged("the entries of block \(block.number) are not in order, or not whole") }
        if let last { lastKey = Array(last) }
        section.entries += Int(found)
    }

    private static func isLess(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool { compareBytes(a, b) < 0 }

    /// Calls `body` with each entry until it answers false; whether all were there and well-formed.
    static func forEachEntry(
        _ bytes: UnsafeRawBufferPointer, _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) rethrows -> Bool {
        var at = 0
        while at < bytes.count {
            guard bytes.count - at >= 6 else { return false }
            let keyBytes = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
            let valueBytes = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 2, as: UInt32.self)))
            at += 6
            guard 1...511 ~= keyBytes, keyBytes + valueBytes <= bytes.count - at else { return false }
            let key = UnsafeRawBufferPointer(rebasing: bytes[at..<at + keyBytes])
            let value = UnsafeRawBufferPointer(rebasing: bytes[(at + keyBytes)..<(at + keyBytes + valueBytes)])
            guard try body(key, value) else { return false }
            at += keyBytes + valueBytes
        }
        return true
    }

    /// The next block and its content, checked and decompressed; nil at the end of the input. The content holds until the next call.
    private func readBlock() throws -> (SnapshotBlock, UnsafeRawBufferPointer)? {
        blockOffset = input.offset
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: SnapshotBlock.headerBytes, alignment: 16)
        defer { room.deallocate() }
        let count = try input.read(room)
        if count == 0 { return nil }
        guard count == room.count else { throw damaged("it is cut off in the middle of a block") }
        let header: (block: SnapshotBlock, hash: UInt64)
        switch SnapshotBlock.read(UnsafeRawBufferPointer(room), after: chain, number: number) {
        case .success(let found): header = found
        case .failure(let fault): throw damaged(fault.text)
        }
        let block = header.block
        content.removeAll()
        let stored = UnsafeMutableRawBufferPointer(start: content.extend(Int(block.storedBytes)), count: Int(block.storedBytes))
        guard try input.read(stored) == stored.count else { throw damaged("it is cut off in the middle of block \(block.number)") }
        guard XXHash64.hash(UnsafeRawBufferPointer(stored)) == block.contentHash else {
            throw damaged("the checksum of block \(block.number) is wrong")
        }
        chain = header.hash
        number += 1
        guard block.isCompressed else {
            guard block.rawBytes == block.storedBytes else { throw damaged("block \(block.number) contradicts itself") }
            return (block, content.bytes)
        }
        let raw: UnsafeRawBufferPointer
        do {
            raw = try decompressor.decompress(content.bytes, limit: SnapshotBlock.maxBytes)
        } catch {
            throw damaged("block \(block.number): \(error)")
        }
        guard raw.count == Int(block.rawBytes) else { throw damaged("block \(block.number) has another size than its header says") }
        return (block, raw)
    }
}
