internal import Compression
internal import LMDB

/// Writes one shard as a section of blocks: its tables one after another, the entries of each in key order, as they were in one commit.
///
/// Entries and not pages: what was deleted or has changed since does not get into a snapshot with the rest of its page, and what is read back
/// lies as densely as can be.
final class SnapshotSectionWriter {
    private let output: SnapshotOutput
    private let compressor: ZstdCompressor?
    private let blockBytes: Int
    private var room = [UInt8](repeating: 0, count: 0)
    private var content = GrowableBytes(capacity: SnapshotBlock.targetBytes + 65_536)
    private var number: UInt32 = 0
    private var chain: UInt64 = 0

    init(_ output: SnapshotOutput, compressor: ZstdCompressor?, blockBytes: Int) {
        self.output = output
        self.compressor = compressor
        self.blockBytes = blockBytes
    }

    /// Whether all sections go into one output.
    var isStream: Bool { output.isStream }

    /// Writes the newest commit. `progress` hears after each block how many entries are done, and ends it by throwing.
    ///
    /// The environment may be one that another process writes to.
    func write(
        _ shard: Int, of environment: Environment, snapshot: [UInt8], now: () -> Int64, progress: (_ entries: Int, _ of: Int) throws -> Void
    ) throws -> SnapshotManifest.Shard {
        number = 0
        chain = 0
        let before = output.bytes
        while true {
            let names = try environment.read { try $0.tableNames() }
            let tables = try names.map { (name: $0, table: try environment.openTable($0)) }
            let written = try environment.read { transaction -> SnapshotManifest.Shard? in
                // A table that came in between has something that the others point to.
                guard try transaction.tableNames() == names else { return nil }
                guard let meta = tables.first(where: { $0.name == "meta" }) else {
                    throw ShardError.file("it has no table `meta`: it is no shard, or one that was never opened for writing", directory: environment.path)
                }
                let known = try ShardMeta(reading: meta.table, in: transaction)
                var result = SnapshotManifest.Shard(
                    number: shard, taken: now(), rows: 0, entries: 0, dataBytes: 0, fileBytes: 0, blocks: 0, checksum: 0,
                    positions: known.positions.sorted { $0.key < $1.key }.map {
                        .init(topic: $0.key, offset: $0.value.nextOffset, newestRecord: $0.value.newestRecordTime)
                    })
                let total = try tables.reduce(0) { try $0 + transaction.entryCount($1.table) }
                try start(shard, snapshot)
                for (name, table) in tables {
                    if name == "rows" { result.rows = try transaction.entryCount(table) }
                    try write(name, table, transaction, &result) { try progress($0, total) }
                }
                try end(result)
                result.checksum = chain
                result.blocks = Int(number)
                result.fileBytes = output.bytes - before
                return result
            }
            if let written { return written }
        }
    }

    private func start(_ shard: Int, _ snapshot: [UInt8]) throws(SnapshotError) {
        content.removeAll()
        content.append(SnapshotBlock.formatVersion.littleEndian)
        content.append(UInt32(truncatingIfNeeded: shard).littleEndian)
        snapshot.withUnsafeBytes { content.append($0) }
        try flush(.start)
    }

    private func write(
        _ name: String, _ table: Table, _ transaction: borrowing ReadTransaction, _ result: inout SnapshotManifest.Shard,
        _ progress: (Int) throws -> Void
    ) throws {
        content.removeAll()
        var utf8 = name
        utf8.withUTF8 { content.append(UnsafeRawBufferPointer($0)) }
        try flush(.table)
        var waiting: UInt32 = 0
        var entries = 0, bytes = 0
        let done = result.entries
        try transaction.forEach(table) { key, value in
            content.append(UInt16(truncatingIfNeeded: key.count).littleEndian)
            content.append(UInt32(truncatingIfNeeded: value.count).littleEndian)
            content.append(key)
            content.append(value)
            waiting += 1
            entries += 1
            bytes += key.count + value.count
            if content.count >= blockBytes {
                try flush(.entries, entries: waiting)
                waiting = 0
                try progress(done + entries)
            }
            return true
        }
        if waiting > 0 { try flush(.entries, entries: waiting) }
        result.entries += entries
        result.dataBytes += bytes
        try progress(result.entries)
    }

    private func end(_ result: SnapshotManifest.Shard) throws(SnapshotError) {
        content.removeAll()
        content.append(UInt64(result.entries).littleEndian)
        content.append(UInt64(result.dataBytes).littleEndian)
        try flush(.end)
    }

    /// The manifest as the last block of a stream.
    func write(_ manifest: SnapshotManifest) throws(SnapshotError) {
        number = 0
        chain = 0
        content.removeAll()
        manifest.sealed().withUnsafeBytes { content.append($0) }
        try flush(.manifest)
    }

    /// Writes what `content` holds as the next block, and empties it.
    private func flush(_ kind: SnapshotBlock.Kind, entries: UInt32 = 0) throws(SnapshotError) {
        let raw = content.bytes
        guard raw.count <= SnapshotBlock.maxBytes else {
            throw .refused("\(output.path): an entry of \(raw.count) bytes is larger than a snapshot takes (\(SnapshotBlock.maxBytes) bytes)")
        }
        var block = SnapshotBlock(
            kind: kind, number: number, storedBytes: UInt32(raw.count), rawBytes: UInt32(raw.count), entries: entries)
        var stored = raw
        let needed = SnapshotBlock.headerBytes + (kind == .entries && compressor != nil ? ZstdCompressor.bound(raw.count) : 0)
        if room.count < needed { room = [UInt8](repeating: 0, count: needed) }
        var failure: SnapshotError?
        room.withUnsafeMutableBytes { room in
            if kind == .entries, let compressor {
                let target = UnsafeMutableRawBufferPointer(rebasing: room[SnapshotBlock.headerBytes...])
                // What does not get smaller is stored as it is.
                if let count = compressor.compress(raw, into: target), count < raw.count {
                    stored = UnsafeRawBufferPointer(rebasing: target[..<count])
                    block.isCompressed = true
                    block.storedBytes = UInt32(count)
                }
            }
            block.contentHash = XXHash64.hash(stored)
            let header = UnsafeMutableRawBufferPointer(rebasing: room[..<SnapshotBlock.headerBytes])
            chain = block.write(to: header, after: chain)
            do throws(SnapshotError) {
                try output.write(UnsafeRawBufferPointer(header))
                try output.write(stored)
            } catch { failure = error }
        }
        if let failure { throw failure }
        number += 1
        content.removeAll()
    }
}
