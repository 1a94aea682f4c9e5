public import FeatureStore
public import JSONBytes

/// What a push answers: all rows are durable, and a lookup with `min_position` sees them.
public struct PushAnswer: Sendable {
    public let view: String
    public let rowCount: Int
    public let offsets: [SourceOffset]
    public var minPosition: String { SourceOffset.token(offsets) }
}

extension LookupService {
    /// Pushes rows and answers when they are durable.
    public func push(_ request: PushRequest) async throws(LookupProblem) -> PushAnswer {
        let start = ContinuousClock.now
        do throws(LookupProblem) {
            let columns = try PushColumns(request.view, source.definitions)
            guard let sink else {
                throw LookupProblem(.notDurable, detail: "This process does not push.", remedy: "Produce to topic \(columns.stream.topic), or ask another.")
            }
            let offsets = try await sink.push(columns.index, request.rows, source.now())
            metrics.pushEnded(nil, rows: request.rows.count, seconds: start.duration(to: .now))
            return PushAnswer(view: request.view, rowCount: request.rows.count, offsets: offsets)
        } catch {
            metrics.pushEnded(error, rows: 0, seconds: start.duration(to: .now))
            throw error
        }
    }

    /// Returns when the shards have applied these records, so that a lookup now sees them.
    public func wait(for offsets: [SourceOffset], patience: Duration = positionPatience) async throws(LookupProblem) {
        if offsets.isEmpty { return }
        let deadline = ContinuousClock.now + patience
        while let missing = offsets.first(where: { (source.nextOffset($0.topic, $0.partition) ?? 0) <= $0.offset }) {
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                let reached = source.nextOffset(missing.topic, missing.partition)
                throw LookupProblem(
                    .positionNotReached,
                    detail: "Partition \(missing.partition) of \(missing.topic) "
                        + (reached.map { "has been applied up to offset \($0 - 1), not \(missing.offset)." } ?? "is not read by this process."),
                    remedy: "Try again, or ask without min_position for the values as they are.")
            }
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    /// How long a lookup waits for its `min_position`.
    public static var positionPatience: Duration { .seconds(2) }
}

extension PushAnswer: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("view", view)
        json.member("rows", rowCount)
        json.offsets(offsets)
        json.endObject()
    }
}
