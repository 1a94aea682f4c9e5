import FeatureStore
import Foundation
import Testing

/// The engine against the oracle, which knows nothing but docs/SEMANTICS.md: outcomes of events and values of features must be equal.
///
/// A failure prints its seed and a shrunk stream; `ORACLE_SEED=n` runs that one alone, `ORACLE_CHUNKS=n` more of them (250 streams each).
@Suite struct OracleEquality {
    private static let environment = ProcessInfo.processInfo.environment
    private static let chunks = Int(environment["ORACLE_CHUNKS"] ?? "") ?? 24
    private static let one = UInt64(environment["ORACLE_SEED"] ?? "")

    @Test(arguments: 0..<(one == nil ? chunks : 1))
    func `random streams give the oracle's outcomes and values`(chunk: Int) {
        let seeds = Self.one.map { $0...$0 } ?? UInt64(chunk * 250)...UInt64(chunk * 250 + 249)
        for seed in seeds {
            if let (_, difference) = Scenario(seed: seed).shrunk() {
                Issue.record("\(difference)")
                return
            }
        }
    }

    @Test(arguments: 0..<(one == nil ? chunks : 1))
    func `random streams give the oracle's values where events are kept, retracted and attributed`(chunk: Int) {
        let seeds = Self.one.map { $0...$0 } ?? UInt64(chunk * 250)...UInt64(chunk * 250 + 249)
        for seed in seeds {
            if let (_, difference) = Scenario(keepingEvents: seed).shrunk() {
                Issue.record("\(difference)")
                return
            }
        }
    }
}
