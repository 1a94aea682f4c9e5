internal import LMDB

extension Shard {
    /// Which events of a batch were applied to the row that decides about them. Empty, and free of cost, when no singleton asks.
    struct Taken {
        private var isApplied: [Bool]

        init(_ batch: EventBatch, in catalog: Catalog) {
            isApplied = catalog.entities.contains { $0.isSingleton } ? Array(repeating: false, count: batch.eventCount) : []
        }

        @inline(__always)
        mutating func note(_ event: Int, _ outcome: RowEditor.Outcome) {
            if !isApplied.isEmpty, outcome == .applied { isApplied[event] = true }
        }

        func contains(_ event: Int) -> Bool { isApplied[event] }
    }

    /// Gives a singleton the events of all its streams that the rows of the first keyed entity have taken. It remembers no ids of its own:
    /// there would be too many, and a duplicate of one key is a duplicate of all. What no other row decides about it accepts itself.
    func applyAll(
        _ batch: EventBatch, to entity: EntityPlan, _ counts: inout [StreamCounts], _ newRows: inout Int, _ taken: Taken,
        _ transaction: borrowing WriteTransaction
    ) throws {
        guard !entity.views.isEmpty, batch.eventCount > 0 else { return }
        var positions = Array(repeating: -1, count: catalog.definitions.streams.count)
        for (position, stream) in entity.streams.enumerated() { positions[stream.index] = position }
        let editor = editors[entity.index]
        var key = GrowableBytes(capacity: 128)
        key.append(entity.keyPrefix)
        for byte in entity.name.utf8 { key.append(byte) }
        let stored = try transaction.get(rows, key.bytes)
        try editor.begin(stored)
        for i in 0..<batch.eventCount {
            let event = batch.events[i]
            let stream = Int(event.stream)
            if positions[stream] < 0 || event.isFuture { continue }
            let values = batch.values + Int(event.firstValue)
            if catalog.countingKeys[stream] < 0 {
                counts[stream].add(editor.apply(stream: positions[stream], time: event.time, id: event.id, values: values))
            } else if taken.contains(i) {
                editor.put(stream: positions[stream], time: event.time, id: event.id, values: values)
            }
        }
        guard let row = editor.finish() else { return }
        try transaction.put(rows, key.bytes, value: row)
        if stored == nil { newRows += 1 }
    }
}
