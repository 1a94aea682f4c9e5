import FeatureStore
import LMDB

/// The summaries on the disk: an LMDB environment of its own beside the shards (docs/STORAGE.md). The server writes it, and commands may read
/// and set the baseline beside it.
///
///     hours      entity "/" feature 0 hour(UInt32, big-endian)  ->  summary; with an empty feature: the distinct entities of the hour
///     judged     the same key                                   ->  how the hour was judged last
///     baseline   entity "/" feature                             ->  summary of an export; "" : which baseline is set
///     state      "began/…", "alert/…"                           ->  first hour of a feature; alerts that fire
package final class HourStore: Sendable {
    private let environment: Environment
    private let hours: Table
    private let judged: Table
    private let baselines: Table
    private let state: Table
    package let directory: String
    private static let maxMapBytes = 1 << 40

    /// Opens `DIRECTORY/monitoring`, making it when it is not there.
    package init(storeDirectory: String) throws(MonitoringError) {
        directory = storeDirectory + "/monitoring"
        do throws(LMDBError) {
            environment = try Environment(.init(path: directory, mapBytes: 64 << 20, maxTables: 4, mode: .dataSynced))
            hours = try environment.openTable("hours")
            judged = try environment.openTable("judged")
            baselines = try environment.openTable("baseline")
            state = try environment.openTable("state")
        } catch { throw .storage(error) }
    }

    package func close() { environment.close() }

    /// Hours since the epoch.
    package typealias Hour = Int

    /// Bytes of the map that hold data.
    package var usedBytes: Int { environment.info().usedBytes }

    static func prefix(_ name: String) -> [UInt8] { Array(name.utf8) + [0] }
    static func key(_ name: String, _ hour: Hour) -> [UInt8] {
        let number = UInt32(clamping: hour)
        return prefix(name) + [UInt8(number >> 24), UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
    }

    private static func hour(of key: UnsafeRawBufferPointer) -> Hour { key.suffix(4).reduce(0) { $0 << 8 | Int($1) } }

    private func write(_ body: (borrowing WriteTransaction) throws -> Void) throws(MonitoringError) {
        while true {
            do {
                return try environment.write(body)
            } catch let error as LMDBError where error.kind == .mapFull {
                do throws(LMDBError) {
                    try environment.grow(toMapBytes: min(environment.info().mapBytes * 2, Self.maxMapBytes))
                } catch { throw .storage(error) }
            } catch let error as LMDBError {
                throw .storage(error)
            } catch {
                throw .damaged("\(error)", directory: directory)
            }
        }
    }

    private func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws(MonitoringError) -> R {
        do {
            return try environment.read(body)
        } catch let error as LMDBError {
            throw .storage(error)
        } catch {
            throw .damaged("\(error)", directory: directory)
        }
    }

    // MARK: Hours

    struct HourWrite {
        var name: String
        var hour: Hour
        var bytes: [UInt8]
    }

    func put(_ writes: [HourWrite]) throws(MonitoringError) { try put(writes, in: hours) }
    func put(judgements: [HourWrite]) throws(MonitoringError) { try put(judgements, in: judged) }

    private func put(_ writes: [HourWrite], in table: Table) throws(MonitoringError) {
        if writes.isEmpty { return }
        try write { transaction in
            for write in writes {
                try Self.key(write.name, write.hour).withUnsafeBytes { key in
                    try write.bytes.withUnsafeBytes { try transaction.put(table, key, value: $0) }
                }
            }
        }
    }

    package struct Recorded {
        package var hour: Hour
        package var summary: FeatureSummary
        /// A drift was found in it: it is not part of what is usual.
        package var isDrifted: Bool

        /// Nil for bytes that are no summary.
        init?(_ hour: Hour, _ bytes: UnsafeRawBufferPointer) {
            guard let summary = FeatureSummary(bytes) else { return nil }
            (self.hour, self.summary, isDrifted) = (hour, summary, FeatureSummary.isDrifted(bytes))
        }
    }

    package func summary(_ name: String, _ hour: Hour) throws(MonitoringError) -> Recorded? {
        try read { transaction in
            try Self.key(name, hour).withUnsafeBytes { key in
                try transaction.get(hours, key).flatMap { Recorded(hour, $0) }
            }
        }
    }

    /// Those of these hours that are recorded.
    func summaries(_ name: String, _ wanted: some Sequence<Hour>) throws(MonitoringError) -> [Recorded] {
        try read { transaction in
            var found: [Recorded] = []
            for hour in wanted {
                try Self.key(name, hour).withUnsafeBytes { key in
                    if let bytes = try transaction.get(hours, key), let recorded = Recorded(hour, bytes) { found.append(recorded) }
                }
            }
            return found
        }
    }

    func entities(_ entity: String, _ hour: Hour) throws(MonitoringError) -> DistinctSketch? {
        try read { transaction in
            try Self.key(entity + "/", hour).withUnsafeBytes { key in
                try transaction.get(hours, key).flatMap { bytes in
                    var reader = ByteReader(bytes)
                    return DistinctSketch(&reader, .entities)
                }
            }
        }
    }

    /// Calls `body` with each recorded hour of a feature within the range, ascending.
    package func forEach(_ name: String, in range: ClosedRange<Hour>, _ body: (Recorded) -> Void) throws(MonitoringError) {
        let prefix = Self.prefix(name)
        try read { transaction in
            try Self.key(name, range.lowerBound).withUnsafeBytes { start in
                try transaction.forEach(hours, from: start) { key, bytes in
                    guard key.count == prefix.count + 4, key.starts(with: prefix) else { return false }
                    let hour = Self.hour(of: key)
                    guard hour <= range.upperBound else { return false }
                    if let recorded = Recorded(hour, bytes) { body(recorded) }
                    return true
                }
            }
        }
    }

    func judgement(_ name: String, _ hour: Hour) throws(MonitoringError) -> Judgement? {
        try read { transaction in
            try Self.key(name, hour).withUnsafeBytes { key in
                try transaction.get(judged, key).flatMap { Judgement(bytes: $0) }
            }
        }
    }

    /// Forgets hours before `hour`, except those of `kept`. Entities' and features' alike.
    func prune(_ names: [String], before hour: Hour, keeping kept: ClosedRange<Hour>?) throws(MonitoringError) {
        let old: [[UInt8]] = try read { transaction in
            var old: [[UInt8]] = []
            for name in names {
                let prefix = Self.prefix(name)
                try prefix.withUnsafeBytes { start in
                    try transaction.forEach(hours, from: start) { key, _ in
                        guard key.count == prefix.count + 4, key.starts(with: prefix) else { return false }
                        let of = Self.hour(of: key)
                        if of >= hour { return false }
                        if kept?.contains(of) != true { old.append(Array(key)) }
                        return old.count < 100_000
                    }
                }
            }
            return old
        }
        if old.isEmpty { return }
        try write { transaction in
            for key in old {
                try key.withUnsafeBytes { key in
                    try transaction.delete(hours, key)
                    try transaction.delete(judged, key)
                }
            }
        }
    }

    // MARK: Baseline

    package func baseline() throws(MonitoringError) -> Baseline {
        try read { transaction in
            // LMDB has no empty key.
            try [UInt8(0)].withUnsafeBytes { key in try transaction.get(baselines, key).flatMap { Baseline(bytes: $0) } ?? .recorded }
        }
    }

    /// Sets the baseline; `summaries`, by name, are those of an export.
    package func set(_ baseline: Baseline, summaries: [String: FeatureSummary] = [:]) throws(MonitoringError) {
        try write { transaction in
            try transaction.clear(baselines)
            try [UInt8(0)].withUnsafeBytes { key in
                try baseline.bytes.withUnsafeBytes { try transaction.put(baselines, key, value: $0) }
            }
            for (name, summary) in summaries {
                try Self.prefix(name).withUnsafeBytes { key in
                    try summary.bytes(isDrifted: false).withUnsafeBytes { try transaction.put(baselines, key, value: $0) }
                }
            }
        }
    }

    func exported(_ name: String) throws(MonitoringError) -> FeatureSummary? {
        try read { transaction in
            try Self.prefix(name).withUnsafeBytes { key in try transaction.get(baselines, key).flatMap { FeatureSummary($0) } }
        }
    }

    // MARK: State

    func put(state values: [(key: String, bytes: [UInt8]?)]) throws(MonitoringError) {
        if values.isEmpty { return }
        try write { transaction in
            for (key, bytes) in values {
                try Array(key.utf8).withUnsafeBytes { key in
                    if let bytes { try bytes.withUnsafeBytes { try transaction.put(state, key, value: $0) } } else { try transaction.delete(state, key) }
                }
            }
        }
    }

    func state(_ key: String) throws(MonitoringError) -> [UInt8]? {
        try read { transaction in
            try Array(key.utf8).withUnsafeBytes { key in try transaction.get(state, key).map { Array($0) } }
        }
    }

    /// A state that is an hour.
    func stateHour(_ key: String) throws(MonitoringError) -> Hour? {
        try state(key).flatMap { bytes in
            bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return reader.read(UInt32.self).map(Int.init)
            }
        }
    }

    static func hourState(_ key: String, _ hour: Hour) -> (key: String, bytes: [UInt8]?) {
        var bytes: [UInt8] = []
        bytes.append(UInt32(clamping: hour))
        return (key, bytes)
    }

    func states(_ prefix: String) throws(MonitoringError) -> [(key: String, bytes: [UInt8])] {
        let start = Array(prefix.utf8)
        return try read { transaction in
            var found: [(key: String, bytes: [UInt8])] = []
            try start.withUnsafeBytes { first in
                try transaction.forEach(state, from: first) { key, bytes in
                    guard key.starts(with: start) else { return false }
                    found.append((String(decoding: key.dropFirst(start.count), as: UTF8.self), Array(bytes)))
                    return true
                }
            }
            return found
        }
    }
}
