internal import FeatureStore
internal import Foundation
internal import Ingest
internal import ServiceLifecycle

/// `--status`: one line that says how it goes. On a terminal it is rewritten in place.
struct StatusLine: Service {
    let store: Store
    let ingest: IngestService
    let everySeconds: Int

    func run() async throws {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var last = (consumed: ingest.metrics.snapshot().recordsConsumed, time: ContinuousClock.now)
        while !Task.isShuttingDownGracefully {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(everySeconds)) }
            if Task.isCancelled || Task.isShuttingDownGracefully { break }
            let consumed = ingest.metrics.snapshot().recordsConsumed
            let now = ContinuousClock.now
            let seconds = (now - last.time).seconds
            let line = Self.line(store, eventsPerSecond: Double(consumed - last.consumed) / seconds, total: consumed)
            last = (consumed, now)
            FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K" + line : line + "\n").utf8))
        }
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
    }

    static func line(_ store: Store, eventsPerSecond: Double, total: UInt64) -> String {
        let shards = store.shardStatuses()
        let lags = shards.compactMap(\.lagEvents)
        let lag = lags.count == shards.count && !shards.isEmpty ? grouped(lags.reduce(0, +)) : "?"
        let freshness = shards.compactMap(\.freshness).max().map { String(format: "%.2f s", Double($0) / 1e6) } ?? "?"
        let rows = shards.reduce(0) { $0 + $1.rows }
        let stopped = shards.filter { $0.state == .stopped }.count
        return "\(grouped(Int64(eventsPerSecond))) events/s | lag \(lag) | freshness \(freshness) | \(grouped(Int64(rows))) customers | "
            + "\(shards.count) shards\(stopped > 0 ? " (\(stopped) STOPPED)" : "") | \(grouped(Int64(total))) events read"
    }

    static func grouped(_ n: Int64) -> String {
        var text = ""
        for (i, digit) in String(n.magnitude).reversed().enumerated() {
            if i > 0, i % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (n < 0 ? "-" : "") + String(text.reversed())
    }
}
