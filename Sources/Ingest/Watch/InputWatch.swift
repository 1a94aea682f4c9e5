public import FeatureStore
internal import Synchronization

/// What comes in, held against what was agreed (`expect:`, `volume:`), and the records that were dropped lately. Shared by all shards; a
/// shard's thread takes one lock a batch, and none when there is nothing to tell.
public final class InputWatch: Sendable {
    let definitions: Definitions
    /// By stream; nil: nothing is expected of its fields.
    let contracts: [StreamContract?]
    let state: Mutex<State>

    struct State {
        var fields: [[StreamContract.Counts]]
        /// By stream: examples, newest last.
        var examples: [[ContractExample]]
        var volumes: [MinuteVolumes]
        /// By stream and reason.
        var drops: [[[DropExample]]]
    }

    static let dropExamples = 16
    static let contractExamples = 8

    public convenience init(_ definitions: Definitions) { self.init(definitions, now: Store.now()) }

    /// `now`: µs since the epoch.
    package init(_ definitions: Definitions, now: Int64) {
        self.definitions = definitions
        contracts = definitions.streams.map { StreamContract($0) }
        state = Mutex(State(
            fields: contracts.map { Array(repeating: .init(), count: $0?.fields.count ?? 0) },
            examples: Array(repeating: [], count: contracts.count),
            volumes: definitions.streams.map { _ in MinuteVolumes(from: now / 60_000_000 + 1) },
            drops: Array(repeating: Array(repeating: [], count: DropReason.allCases.count), count: contracts.count)))
    }

    /// Whether a stream's events are to be counted by the minute.
    func countsVolume(_ stream: Int) -> Bool { definitions.streams[stream].volume != nil }

    func note(_ examples: [(stream: Int, reason: DropReason, example: DropExample)]) {
        state.withLock { state in
            for (stream, reason, example) in examples {
                let index = Int(reason.rawValue)
                if state.drops[stream][index].count == Self.dropExamples { state.drops[stream][index].removeFirst() }
                state.drops[stream][index].append(example)
            }
        }
    }

    func add(volumes: [(stream: Int, minute: Int64, events: Int)]) {
        state.withLock { state in
            for (stream, minute, events) in volumes { state.volumes[stream].add(minute, events) }
        }
    }

    /// What a batch's events have of a stream's fields. `now`: µs.
    func add(_ stream: Int, _ tallies: [StreamContract.Tally], _ examples: [ContractExample], now: Int64) {
        let hour = now / 3_600_000_000
        state.withLock { state in
            for (field, tally) in tallies.enumerated() {
                state.fields[stream][field].add(tally, hour: hour, limit: contracts[stream]?.fields[field].expectation.nulls)
            }
            for example in examples {
                let same = state.examples[stream].indices.filter {
                    state.examples[stream][$0].field == example.field && state.examples[stream][$0].rule == example.rule
                }
                if same.count >= Self.contractExamples { state.examples[stream].remove(at: same[0]) }
                state.examples[stream].append(example)
            }
        }
    }

    /// Judges the minutes that are over, if the shards have caught up. Called by whoever asks for the answer.
    func judgeVolumes(now: Int64, isCaughtUp: @autoclosure () -> Bool) {
        guard definitions.streams.contains(where: { $0.volume != nil }), isCaughtUp() else { return }
        let last = now / 60_000_000 - 2
        state.withLock { state in
            for (index, stream) in definitions.streams.enumerated() {
                if let volume = stream.volume { state.volumes[index].judge(volume, through: last) }
            }
        }
    }
}

/// A record that was dropped: where it lies, never what is in it.
struct DropExample: Sendable {
    /// µs: when it was read.
    var time: Int64
    var partition: Int
    var offset: Int64
    var detail: String
}

/// A value that broke a rule, as far as it may be shown.
struct ContractExample: Sendable {
    var time: Int64
    var field: Int
    var rule: ContractRule
    /// Of a number the number; of a string its length.
    var value: String
    var partition: Int
    var offset: Int64
}
