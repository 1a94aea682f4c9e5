internal import FeatureStore
internal import Foundation
internal import FoundationNetworking
internal import Synchronization

/// POSTs alerts to the webhook from a thread of its own: one after the other, each tried again for two minutes at most. So many may wait;
/// further ones are left out and counted.
final class WebhookSender: @unchecked Sendable {
    private let url: URL
    private let token: String?
    private let session: URLSession
    private let report: @Sendable (String) -> Void

    private struct State {
        var waiting: [[UInt8]] = []
        var isStopping = false
        var delivered: UInt64 = 0
        var failed: UInt64 = 0
        var leftOut: UInt64 = 0
    }

    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private var thread: WorkerThread?

    static let maxWaiting = 256
    /// Seconds before the second attempt, the third, ...
    private static let pauses = [1, 4, 15, 40, 60]
    private static let timeoutSeconds = 10.0

    /// `report`: told of what could not be delivered. The URL may hold a secret and is never in it.
    init?(url: String, token: String?, report: @escaping @Sendable (String) -> Void) {
        guard let url = URL(string: url) else { return nil }
        self.url = url
        self.token = token
        self.report = report
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = Self.timeoutSeconds
        configuration.timeoutIntervalForResource = Self.timeoutSeconds
        session = URLSession(configuration: configuration)
    }

    func start() {
        thread = WorkerThread("webhook") { [self] in
            ThreadPriority.lower()
            while let body = next() { deliver(body) }
        }
    }

    /// Any thread; never waits.
    func send(_ body: [UInt8]) {
        state.withLock { state in
            if state.waiting.count >= Self.maxWaiting { state.leftOut += 1 } else { state.waiting.append(body) }
        }
        work.signal()
    }

    /// What waits is tried once more, until one fails; then the thread ends.
    func stop() {
        state.withLock { $0.isStopping = true }
        work.signal()
        thread?.join()
        thread = nil
        session.invalidateAndCancel()
    }

    var counts: (delivered: UInt64, failed: UInt64, leftOut: UInt64) { state.withLock { ($0.delivered, $0.failed, $0.leftOut) } }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func next() -> [UInt8]? {
        while true {
            let (body, isStopping) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isStopping)
            }
            if let body { return body }
            if isStopping { return nil }
            work.wait()
        }
    }

    private func deliver(_ body: [UInt8]) {
        var problem = ""
        for attempt in 0...Self.pauses.count {
            if attempt > 0 {
                let end = ContinuousClock.now + .seconds(Self.pauses[attempt - 1])
                while ContinuousClock.now < end, !isStopping { WorkerThread.sleep(milliseconds: 100) }
                if isStopping { break }
            }
            guard let found = post(body) else {
                state.withLock { $0.delivered += 1 }
                return
            }
            problem = found
        }
        state.withLock { state in
            state.failed += 1
            // At the end nobody waits until each of 256 has timed out.
            if state.isStopping {
                state.leftOut += UInt64(state.waiting.count)
                state.waiting = []
            }
        }
        report(problem)
    }

    /// Nil: it was taken.
    private func post(_ body: [UInt8]) -> String? {
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        request.httpBody = Data(body)
        let answered = DispatchSemaphore(value: 0)
        let problem = Outcome()
        let task = session.dataTask(with: request) { _, response, error in
            let status = (response as? HTTPURLResponse)?.statusCode
            problem.value.withLock { problem in
                if let status { problem = 200..<300 ~= status ? nil : "it answered \(status)" } else { problem = Self.text(error) }
            }
            answered.signal()
        }
        task.resume()
        if answered.wait(timeout: .now() + Self.timeoutSeconds + 5) == .timedOut { task.cancel() }
        return problem.value.withLock { $0 }
    }

    /// Nil: it was taken.
    private final class Outcome: Sendable { let value = Mutex<String?>("it did not answer") }

    /// Without the URL, which Foundation puts into its own text.
    private static func text(_ error: (any Error)?) -> String {
        guard let error = error as? URLError else { return "it did not answer" }
        switch error.code {
        case .timedOut: return "it did not answer in time"
        case .cannotFindHost, .dnsLookupFailed: return "its host is not known"
        case .cannotConnectToHost: return "it refuses connections"
        case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasUnknownRoot: return "its certificate is not trusted"
        default: return "it did not answer (URLError \(error.code.rawValue))"
        }
    }
}
