internal import LMDB
internal import Synchronization

/// A full map is made larger, as long as the limit and the disk have room.
extension Shard {
    /// Runs a write again with a larger map as long as it does not fit.
    static func growing(_ environment: Environment, _ settings: StoreSettings, _ write: () throws -> Void) throws {
        while true {
            do { return try write() } catch let error as LMDBError where error.kind == .mapFull { try grow(environment, settings) }
        }
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

/// Grows the map of a shard that is served.
///
/// An object of its own, because the environment refers to it weakly: counting references to what is referred to so is slower, and each lookup counts one to its shard.
final class MapGrowth: Sendable {
    private let environment: Environment
    private let settings: StoreSettings
    private let wishes = Atomic(0)

    init(_ environment: Environment, _ settings: StoreSettings) { (self.environment, self.settings) = (environment, settings) }

    /// Whether whoever reads for long should let go.
    var mustYield: Bool { wishes.load(ordering: .relaxed) > 0 }

    /// For good.
    func wishToYield() { wishes.add(1, ordering: .relaxed) }

    /// Doubles the map. That waits for all readers, and lookups wait for it, so who reads for long is asked to let go.
    func growYielding() throws(ShardError) {
        wishes.add(1, ordering: .relaxed)
        defer { wishes.subtract(1, ordering: .relaxed) }
        try Shard.grow(environment, settings)
    }
}
