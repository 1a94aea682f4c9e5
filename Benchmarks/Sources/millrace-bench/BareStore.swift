internal import LMDB

/// What the shard is held against: LMDB alone, one get and one put of a row per event, keys in the same order, the same batches,
/// without syncing, which is the fastest that it can. It knows nothing of features: it copies the row, changes eight bytes and writes it back.
final class BareStore {
    private let environment: Environment
    private let rows: Table
    private let row: UnsafeMutableRawBufferPointer

    init(directory: String, mapBytes: Int, rowBytes: Int) throws {
        environment = try Environment(.init(path: directory, mapBytes: mapBytes, mode: .unsynced))
        rows = try environment.openTable("rows")
        row = .allocate(byteCount: max(8, rowBytes), alignment: 16)
        row.initializeMemory(as: UInt8.self, repeating: 0x6d)
    }

    deinit { row.deallocate() }

    func close() { environment.close() }

    /// `once`: one get and put per different key, as if bare LMDB had grouped the events of a customer too.
    func apply(_ batch: Workload.Batch, once: Bool) throws {
        try environment.write { transaction in
            var previous: UnsafeRawPointer?
            for key in batch.keys {
                if once {
                    // Equal keys of a batch share their bytes.
                    if key.baseAddress == previous { continue }
                    previous = key.baseAddress
                }
                if let stored = try transaction.get(rows, key), stored.count == row.count { row.copyMemory(from: stored) }
                let count = row.loadUnaligned(as: UInt64.self)
                row.storeBytes(of: count &+ 1, as: UInt64.self)
                try transaction.put(rows, key, value: UnsafeRawBufferPointer(row))
            }
        }
    }
}
