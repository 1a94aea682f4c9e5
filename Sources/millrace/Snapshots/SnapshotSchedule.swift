internal import FeatureStore
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Takes a snapshot of the store every so often and deletes the oldest, as `snapshots:` of the definitions says.
///
/// Each is taken by `millrace snapshot` as a process of its own: a transaction that reads for minutes would keep this process from growing the map of
/// the shard, and with it its lookups waiting. It also has a priority, a heap and an end of its own.
final class SnapshotSchedule: Service {
    struct Status {
        /// µs; 0: none in this directory.
        var lastSuccess: Int64 = 0
        var seconds = 0.0
        var bytes = 0
        var taken: UInt64 = 0
        var failures: UInt64 = 0
        var kept = 0
    }

    let settings: SnapshotSettings
    private let store: String
    private let logger: Logger
    private let state = Mutex(Status())
    /// The first one of an empty directory, and another try after a failure, come after so long at most.
    private static let patience: Microseconds = .minutes(1)

    init(_ settings: SnapshotSettings, store: String, logger: Logger) {
        self.settings = settings
        self.store = store
        self.logger = logger
    }

    var status: Status { state.withLock { $0 } }

    func run() async throws {
        // What an earlier process has taken counts.
        let names = SnapshotList.names(in: settings.directory)
        let newest = names.last.flatMap { try? Snapshot.manifest(of: settings.directory + "/" + $0) }
        state.withLock { state in
            state.kept = names.count
            if let newest {
                state.lastSuccess = newest.ended
                state.bytes = newest.fileBytes
                state.seconds = Double(newest.ended - newest.began) / 1e6
            }
        }
        var due = newest.map { $0.began + settings.every } ?? Store.now() + min(settings.every, Self.patience)
        var failuresInARow = 0
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let wait = due - Store.now()
            if wait > 0 {
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .microseconds(min(wait, .minutes(1)))) }
                continue
            }
            let began = Store.now()
            if await take(at: began) {
                failuresInARow = 0
                due = began + settings.every
            } else {
                failuresInARow = min(failuresInARow + 1, 10)
                due = Store.now() + min(settings.every, Self.patience << (failuresInARow - 1))
            }
        }
    }

    /// Whether there is one more.
    private func take(at began: Int64) async -> Bool {
        let path = settings.directory + "/" + SnapshotList.name(at: began)
        do {
            let code = try await Self.runSnapshot(store: store, path)
            if Task.isShuttingDownGracefully || Task.isCancelled { return false }
            guard code.status == 0 else { throw SnapshotError.refused(code.errors.isEmpty ? "it ended with \(code.status)" : code.errors) }
            let manifest = try Snapshot.manifest(of: path)
            let gone = try SnapshotList.prune(settings.directory, keep: settings.keep)
            let kept = SnapshotList.names(in: settings.directory).count
            let seconds = Double(Store.now() - began) / 1e6
            state.withLock { state in
                state.lastSuccess = manifest.ended
                state.seconds = seconds
                state.bytes = manifest.fileBytes
                state.kept = kept
                state.taken += 1
            }
            logger.info("""
                snapshot \(path): \(manifest.shards.count) shards, \(StatusLine.grouped(Int64(manifest.rows))) rows, \
                \(SnapshotReport.size(manifest.fileBytes)) in \(String(format: "%.1f", seconds)) s\(gone.isEmpty ? "" : "; deleted \(gone.joined(separator: ", "))")
                """)
            return true
        } catch {
            state.withLock { $0.failures += 1 }
            logger.error("the snapshot \(path) failed and is tried again: \(error)")
            return false
        }
    }

    /// Runs this very program, even when its file has been replaced meanwhile; ends it when the server ends.
    private static func runSnapshot(store: String, _ path: String) async throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
        process.arguments = ["snapshot", "--store", store, "--quiet", path]
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        let running = RunningProcess(process), reading = errors.fileHandleForReading
        return try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await offPool { () throws -> (status: Int32, errors: String) in
                    try running.start()
                    let text = String(decoding: reading.readDataToEndOfFile(), as: UTF8.self)
                    running.wait()
                    return (running.status, text.trimmingCharacters(in: .whitespacesAndNewlines))
                }
            } onGracefulShutdown: {
                running.terminate()
            }
        } onCancel: {
            running.terminate()
        }
    }
}

/// A process that may be asked to end before it has begun.
private final class RunningProcess: @unchecked Sendable {
    private let process: Process
    private let lock = NSLock()
    private var isStarted = false
    private var isEnded = false

    init(_ process: Process) { self.process = process }

    func start() throws {
        try lock.withLock {
            guard !isEnded else { throw CancellationError() }
            try process.run()
            isStarted = true
        }
    }

    func wait() { process.waitUntilExit() }
    var status: Int32 { process.terminationStatus }

    func terminate() {
        lock.withLock {
            isEnded = true
            if isStarted, process.isRunning { process.terminate() }
        }
    }
}
