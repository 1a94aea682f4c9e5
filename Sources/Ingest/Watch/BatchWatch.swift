import FeatureStore
import Kafka

/// One shard's part of the `InputWatch`: collects what a batch has to tell and hands it over once it is committed. Used by the shard's thread
/// only.
struct BatchWatch {
    private let watch: InputWatch
    /// Positions of records that became no event, ascending.
    private var skipped: [Int32] = []
    /// By `DropReason.rawValue`: the last few that were dropped while they were decoded.
    private var dropped: [[(record: Int, detail: DecodeFaultDetail?)]] = Array(repeating: [], count: DropReason.allCases.count)
    private var hasDrops = false
    private let volumes: [Bool]
    private let countsVolume: Bool
    private let hasContracts: Bool

    init(_ watch: InputWatch) {
        self.watch = watch
        volumes = watch.definitions.streams.indices.map { watch.countsVolume($0) }
        countsVolume = volumes.contains(true)
        hasContracts = watch.contracts.contains { $0 != nil }
    }

    mutating func begin() {
        skipped.removeAll(keepingCapacity: true)
        guard hasDrops else { return }
        hasDrops = false
        for index in dropped.indices { dropped[index].removeAll(keepingCapacity: true) }
    }

    /// `record`: its position in the batch. `becameEvent`: false when it was left out.
    mutating func note(_ reason: DropReason, record: Int, detail: DecodeFaultDetail? = nil, becameEvent: Bool = false) {
        if !becameEvent { skipped.append(Int32(record)) }
        hasDrops = true
        let index = Int(reason.rawValue)
        if dropped[index].count == DropNotes.perReason { dropped[index].removeFirst() }
        dropped[index].append((record, detail))
    }

    /// After the commit. `notes`: what was dropped while it was applied.
    func finish(_ records: [Record], _ batch: EventBatch, _ notes: DropNotes, _ decoders: [EventDecoder]) {
        if hasDrops || !notes.isEmpty { tellDrops(records, notes, decoders) }
        if countsVolume { countVolumes(records) }
        if hasContracts { checkContracts(records, batch) }
    }

    /// The record of an event.
    private func record(of event: Int) -> Int {
        var record = event
        for one in skipped {
            if Int(one) > record { break }
            record += 1
        }
        return record
    }

    private func tellDrops(_ records: [Record], _ notes: DropNotes, _ decoders: [EventDecoder]) {
        let now = Store.now()
        var examples: [(stream: Int, reason: DropReason, example: DropExample)] = []
        for reason in DropReason.allCases {
            let index = Int(reason.rawValue)
            for (position, detail) in dropped[index] { add(position, reason, detail) }
            for event in notes.events[index] { add(record(of: event), reason, nil) }
        }
        func add(_ position: Int, _ reason: DropReason, _ detail: DecodeFaultDetail?) {
            guard records.indices.contains(position) else { return }
            let record = records[position]
            let text = detail.map { decoders[record.topicOrdinal].fault(reason, $0).what } ?? Self.text(reason)
            examples.append((
                record.topicOrdinal, reason,
                DropExample(time: now, partition: record.partition, offset: record.offset, detail: text)))
        }
        watch.note(examples)
    }

    private static func text(_ reason: DropReason) -> String {
        switch reason {
        case .future: "its event time is further beyond the record's timestamp than max_clock_skew"
        case .late: "its event time is further behind the row's newest event of the stream than allowed_lateness, or than every tile that is kept"
        case .duplicate: "an event with its id was applied before"
        case .empty: "the record has no value"
        case .erased: "its entity was erased"
        case .beforeCutover: "its event time is before the cut-over of the backfill"
        case .malformed, .unknown: "the record cannot be decoded"
        }
    }

    private func countVolumes(_ records: [Record]) {
        var found: [(stream: Int, minute: Int64, events: Int)] = []
        for record in records where volumes[record.topicOrdinal] {
            let time = record.timestampMicros
            guard time >= 0 else { continue }
            let minute = time / 60_000_000
            if let last = found.lastIndex(where: { $0.stream == record.topicOrdinal && $0.minute == minute }) {
                found[last].events += 1
            } else {
                found.append((record.topicOrdinal, minute, 1))
            }
        }
        if !found.isEmpty { watch.add(volumes: found) }
    }

    private func checkContracts(_ records: [Record], _ batch: EventBatch) {
        let now = Store.now()
        for (stream, contract) in watch.contracts.enumerated() {
            guard let contract else { continue }
            var tallies = [StreamContract.Tally](repeating: .init(), count: contract.fields.count)
            var examples: [ContractExample] = []
            var isSeen = false
            for index in 0..<batch.eventCount where batch.events[index].stream == stream {
                isSeen = true
                let values = batch.values + Int(batch.events[index].firstValue)
                for (field, expected) in contract.fields.enumerated() {
                    let value = values[expected.position]
                    tallies[field].checked += 1
                    if value.isNull { tallies[field].nulls += 1 }
                    let rule = StreamContract.broken(expected, value)
                    if let rule { tallies[field].violations[rule.rawValue] += 1 }
                    // A null is worth an example where none, or hardly any, is expected.
                    guard let rule = rule ?? (value.isNull && (expected.expectation.nulls ?? 1) < 0.05 ? .nulls : nil),
                        examples.count(where: { $0.field == field && $0.rule == rule }) < 2
                    else { continue }
                    let record = records[record(of: index)]
                    examples.append(ContractExample(
                        time: now, field: field, rule: rule, value: StreamContract.shown(expected, value), partition: record.partition,
                        offset: record.offset))
                }
            }
            if isSeen { watch.add(stream, tallies, examples, now: now) }
        }
    }
}
