internal import FeatureStore

/// Joins the requests and the events of one bucket, entity by entity, and hands the encoded rows to the results.
final class BucketReplay {
    private let layout: OutputLayout
    private let replay: EntityReplay
    private let encoder: any RowEncoder
    private var record = RecordWriter()

    private let erased: Set<[UInt8]>

    /// Of the keys in `erased` there are no events.
    init(
        plan: ExportPlan, inputs: InputColumns, layout: OutputLayout, logEnd: Int64, encoder: any RowEncoder, erased: Set<[UInt8]> = []
    ) {
        self.erased = erased
        self.layout = layout
        replay = EntityReplay(plan: plan, inputs: inputs, isAsKnown: layout.isAsKnown, logEnd: logEnd)
        self.encoder = encoder
    }

    var counts: ReplayCounts { replay.counts }

    private struct Keyed<View> {
        var hash: UInt64
        var view: View
    }

    /// One run of results, ordered by row; nil when the bucket has no requests.
    func run(requests: UnsafeRawBufferPointer, events: UnsafeRawBufferPointer) throws -> ResultRun? {
        var asked: [Keyed<RequestCodec.View>] = []
        var at = 0
        while at < requests.count {
            let view = RequestCodec.View(base: requests.baseAddress! + at)
            asked.append(Keyed(hash: XXHash64.hash(view.key), view: view))
            at += view.length
        }
        guard !asked.isEmpty else { return nil }
        asked.sort { a, b in
            if a.hash != b.hash { return a.hash < b.hash }
            let keys = compareBytes(a.view.key, b.view.key)
            if keys != 0 { return keys < 0 }
            return (a.view.time, a.view.row) < (b.view.time, b.view.row)
        }
        var came: [Keyed<EventCodec.View>] = []
        at = 0
        while at < events.count {
            let view = EventCodec.View(base: events.baseAddress! + at)
            came.append(Keyed(hash: XXHash64.hash(view.key), view: view))
            at += view.length
        }
        came.sort { a, b in
            if a.hash != b.hash { return a.hash < b.hash }
            let keys = compareBytes(a.view.key, b.view.key)
            return keys != 0 ? keys < 0 : a.view.base < b.view.base
        }

        let run = ResultRun()
        var nextEvent = 0
        var first = 0
        let views = asked.map(\.view)
        var ofEntity: [EventCodec.View] = []
        while first < asked.count {
            let key = views[first].key, hash = asked[first].hash
            var end = first + 1
            while end < asked.count, asked[end].hash == hash, compareBytes(views[end].key, key) == 0 { end += 1 }
            while nextEvent < came.count, precedes(came[nextEvent], hash, key) { nextEvent += 1 }
            ofEntity.removeAll(keepingCapacity: true)
            while nextEvent < came.count, came[nextEvent].hash == hash, compareBytes(came[nextEvent].view.key, key) == 0 {
                ofEntity.append(came[nextEvent].view)
                nextEvent += 1
            }
            if !erased.isEmpty, erased.contains(Array(key)) { ofEntity.removeAll(keepingCapacity: true) }
            try replay.run(events: ofEntity, requests: views[first..<end]) { request, answer in
                record.removeAll()
                record.append(UInt32(0))
                record.append(request.row)
                encoder.encode(
                    OutputRow(
                        row: Int(request.row), key: request.key, time: request.time, cells: request.cells, found: answer.found,
                        values: answer.values, labels: answer.labels),
                    into: &record)
                record.store(UInt32(truncatingIfNeeded: record.count), at: 0)
                run.append(row: request.row, record.bytes)
            }
            first = end
        }
        return run
    }

    private func precedes(_ event: Keyed<EventCodec.View>, _ hash: UInt64, _ key: UnsafeRawBufferPointer) -> Bool {
        event.hash != hash ? event.hash < hash : compareBytes(event.view.key, key) < 0
    }
}
