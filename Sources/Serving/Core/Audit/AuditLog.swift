public import FeatureStore
internal import Foundation
internal import Synchronization

/// Writes down who asked for what and what came of it, each record chained to the one before it.
///
/// Records are put into a queue, which has a bound, and a thread writes them: whoever answers does not wait for the disk. What happens when that thread
/// cannot write is the operator's to say (`AuditSettings.OnFailure`). docs/SECURITY.md has the format.
public final class AuditLog: Sendable {
    public enum Notice: Sendable {
        /// Records wait, and are tried again every second.
        case failing(String)
        case resumed
        /// A crash had left part of a record.
        case torn(bytes: Int)
        case setAside(file: String, head: AuditHead)
    }

    private struct State {
        var queue: [AuditRecord] = []
        var isStopping = false
        var isStopped = false
    }

    private let settings: AuditSettings
    private let now: @Sendable () -> Int64
    private let copy: (@Sendable (_ line: [UInt8]) -> Bool)?
    private let notice: @Sendable (Notice) -> Void
    private let condition = NSCondition()
    /// Under the condition's lock.
    private nonisolated(unsafe) var state = State()
    private let isFailing = Atomic(false)
    private let waiting = Atomic(0)
    private let lookups = Atomic<UInt64>(0)
    private let written = Atomic<Int64>(0)
    private let lost = Atomic<UInt64>(0)
    private let copiesLost = Atomic<UInt64>(0)
    private let newest = Mutex(AuditHead.none)

    /// Records that may wait.
    public static let maxWaiting = 20_000

    /// - Parameters:
    ///   - now: µs since the epoch.
    ///   - copy: takes each line to another place too; false: it could not.
    ///   - notice: for the server's own log.
    public init(
        _ settings: AuditSettings, now: @escaping @Sendable () -> Int64, copy: (@Sendable ([UInt8]) -> Bool)? = nil,
        notice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        self.settings = settings
        self.now = now
        self.copy = copy
        self.notice = notice
    }

    /// The newest record that is on the disk.
    public var head: AuditHead { newest.withLock { $0 } }

    /// Opens the file and begins to write.
    public func start() throws(AuditError) {
        let file = try AuditFile(settings.file, maxBytes: settings.maxFileBytes)
        try file.resume()
        if file.tornBytes > 0 { notice(.torn(bytes: file.tornBytes)) }
        newest.withLock { $0 = file.head }
        put(AuditEvent(.admin, "start"), nil, "ok")
        let owned = Owned(file)
        Thread.detachNewThread { [self] in run(owned.file) }
    }

    /// Writes what waits, and ends. It gives up after five seconds.
    public func stop() {
        put(AuditEvent(.admin, "stop"), nil, "ok")
        condition.lock()
        state.isStopping = true
        condition.signal()
        let limit = Date().addingTimeInterval(5)
        while !state.isStopped, condition.wait(until: limit) {}
        condition.unlock()
    }

    /// Whether such a thing is written down.
    public func takes(_ kind: AuditSettings.Event) -> Bool { settings.events.contains(kind) }

    /// To be asked before something is done that is written down: throws when it must not be, because it could not be.
    public func admit(_ kind: AuditSettings.Event) throws(LookupProblem) {
        guard settings.onFailure == .refuse, takes(kind) else { return }
        if isFailing.load(ordering: .relaxed) || waiting.load(ordering: .relaxed) > Self.maxWaiting / 2 { throw .auditUnavailable }
    }

    /// - Parameter outcome: `ok`, or the slug of a problem.
    public func record(_ event: AuditEvent, _ caller: Caller, outcome: String) {
        guard takes(event.kind) else { return }
        if event.kind == .lookups, settings.lookupsPerMillion < 1_000_000 {
            // Spread evenly, and nobody foresees which.
            let turn = lookups.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15
            guard turn >> 32 % 1_000_000 < UInt64(settings.lookupsPerMillion) else { return }
        }
        put(event, caller, outcome)
    }

    private func put(_ event: AuditEvent, _ caller: Caller?, _ outcome: String) {
        let record = AuditRecord(
            time: now(), event: event, principal: caller?.principal?.name ?? "", credential: caller?.principal?.credential.rawValue ?? "none",
            address: caller?.address.text ?? "", transport: caller?.transport.rawValue ?? "", outcome: outcome)
        condition.lock()
        let hasRoom = state.queue.count < Self.maxWaiting
        if hasRoom { state.queue.append(record) }
        if state.queue.count == 1 { condition.signal() }
        condition.unlock()
        if hasRoom { waiting.wrappingAdd(1, ordering: .relaxed) } else { lost.wrappingAdd(1, ordering: .relaxed) }
    }

    // MARK: The thread

    private struct Owned: @unchecked Sendable {
        let file: AuditFile
        init(_ file: AuditFile) { self.file = file }
    }

    private func run(_ file: AuditFile) {
        while true {
            condition.lock()
            while state.queue.isEmpty, !state.isStopping { condition.wait() }
            let batch = state.queue
            state.queue = []
            let isStopping = state.isStopping
            condition.unlock()
            let lines = file.append(batch, hasKeys: settings.hasEntityKeys)
            while !write(file), !shouldGiveUp() { Thread.sleep(forTimeInterval: 1) }
            waiting.wrappingSubtract(batch.count, ordering: .relaxed)
            if let copy { for line in lines where !copy(Array(line.dropLast())) { copiesLost.wrappingAdd(1, ordering: .relaxed) } }
            if isStopping { break }
        }
        // Before `stop` returns: the next log of this process may have the file.
        file.close()
        condition.lock()
        state.isStopped = true
        condition.broadcast()
        condition.unlock()
    }

    private func shouldGiveUp() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        return state.isStopping
    }

    private func write(_ file: AuditFile) -> Bool {
        do throws(AuditError) {
            try file.write()
        } catch {
            if !isFailing.exchange(true, ordering: .relaxed) { notice(.failing(error.description)) }
            return false
        }
        if isFailing.exchange(false, ordering: .relaxed) { notice(.resumed) }
        let head = file.head
        newest.withLock { $0 = head }
        written.store(head.number, ordering: .relaxed)
        for name in file.takeSetAside() { notice(.setAside(file: name, head: head)) }
        return true
    }

    public func families() -> [MetricFamily] {
        [
            MetricFamily(
                name: "millrace_audit_records", help: "The number of the newest record of the audit log.", kind: .gauge,
                value: Double(written.load(ordering: .relaxed))),
            MetricFamily(
                name: "millrace_audit_failing", help: "1 while the audit log cannot be written.", kind: .gauge,
                value: isFailing.load(ordering: .relaxed) ? 1 : 0),
            MetricFamily(
                name: "millrace_audit_lost_total", help: "Records of the audit log that were not written, because too many waited.", kind: .counter,
                value: Double(lost.load(ordering: .relaxed))),
            MetricFamily(
                name: "millrace_audit_copies_lost_total", help: "Records of the audit log that did not go to its topic, as there was no room.", kind: .counter,
                value: Double(copiesLost.load(ordering: .relaxed))),
        ]
    }
}
