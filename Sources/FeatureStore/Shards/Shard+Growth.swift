internal import LMDB

/// A full map is made larger, as long as the limit and the disk have room.
extension Shard {
    /// Runs a write again with a larger map as long as it does not fit.
    static func growing(_ environment: Environment, _ settings: StoreSettings, _ write: () throws -> Void) throws {
        while true {
            do { return try write() } catch let error as LMDBError where error.kind == .mapFull { try grow(environment, settings) }
        }
    }

    /// Doubles the map. That waits for all readers, and lookups wait for it, so who reads for long is asked to let go.
    func growYielding(_ settings: StoreSettings) throws(ShardError) {
        mustYield.add(1, ordering: .relaxed)
        defer { mustYield.subtract(1, ordering: .relaxed) }
        try Self.grow(environment, settings)
    }

    /// Doubles the map. On a disk without room for that (`replay`, where the map has its blocks beforehand) it takes a smaller step, down to
    /// `smallestStep`.
    static func grow(_ environment: Environment, _ settings: StoreSettings) throws(ShardError) {
        let bytes = environment.info().mapBytes
        guard bytes < settings.maxMapBytes else { throw .mapLimit(bytes: settings.maxMapBytes, directory: environment.path) }
        var step = Swift.min(bytes, settings.maxMapBytes - bytes)
        while true {
            do throws(LMDBError) { return try environment.grow(toMapBytes: bytes + step) } catch {
                guard error.kind == .diskFull, step > smallestStep else { throw .storage(error) }
                step = Swift.max(smallestStep, step / 2)
            }
        }
    }

    private static let smallestStep = 256 << 10
}
