public import FeatureStore
internal import JSONBytes
internal import Synchronization

/// Feature monitoring of a running server: takes the sampled keys, reads their rows on a thread of its own and feeds a `FeatureMonitor`.
public final class FeatureWatch: @unchecked Sendable {
    /// What shards hand keys to.
    public let sampler: EntitySampler
    package let settings: MonitoringSettings
    private let store: Store
    private let hours: HourStore
    private let watched: Watched
    private let report: @Sendable (Notice) -> Void
    private let isStopping = Atomic(false)
    private var thread: WorkerThread?

    private let observations = Atomic<UInt64>(0), leftOut = Atomic<UInt64>(0), readFailures = Atomic<UInt64>(0)
    private let firing = Mutex<[Alert]>([])
    private let busyNanoseconds = Atomic<UInt64>(0)

    public enum Notice: Sendable {
        case alert(AlertNotice)
        /// Monitoring cannot write or read its own store; ingest and lookups go on.
        case failed(String)
    }

    /// Rows are read in portions, so that a second's worth does not come at once.
    private static let turnsPerSecond = 10
    private static let secondsBetweenJudgements = 10

    public init(_ store: Store, _ settings: MonitoringSettings, report: @escaping @Sendable (Notice) -> Void) throws(MonitoringError) {
        self.store = store
        self.settings = settings
        self.report = report
        watched = Watched(store, settings)
        hours = try HourStore(storeDirectory: store.definitions.store.directory)
        sampler = EntitySampler(store.catalog, entities: Set(watched.entities.map(\.index)))
    }

    /// `prepare` runs first on the thread: to lower its priority.
    public func start(prepare: @escaping @Sendable () -> Void = {}) {
        thread = WorkerThread("monitoring") { [self] in
            prepare()
            run()
        }
    }

    /// Writes what is not written yet. Blocks until it is.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
        hours.close()
    }

    private func run() {
        let monitor: FeatureMonitor
        do throws(MonitoringError) {
            monitor = try FeatureMonitor(watched, settings, store: hours)
        } catch {
            return report(.failed("\(error)"))
        }
        monitor.onAlert = { [report] in report(.alert($0)) }
        firing.withLock { $0 = monitor.alerts }
        let entities = Dictionary(uniqueKeysWithValues: watched.entities.enumerated().map { ($0.element.index, $0.offset) })
        var failure: String?
        var turn = 0
        var picked: UInt64 = 0
        while !isStopping.load(ordering: .relaxed) {
            WorkerThread.sleep(milliseconds: 1000 / Self.turnsPerSecond)
            turn += 1
            let began = ContinuousClock.now
            picked += observeTurn(monitor, entities, &failure)
            if turn % Self.turnsPerSecond == 0 {
                adjust(picked)
                picked = 0
            }
            if turn % (Self.turnsPerSecond * Self.secondsBetweenJudgements) == 0 { judge(monitor, &failure) }
            busyNanoseconds.wrappingAdd(UInt64(max(0, began.duration(to: .now).seconds) * 1e9), ordering: .relaxed)
        }
        judge(monitor, &failure)
    }

    /// Reads what a turn may read of what waits, evenly; the rest is left out. How many were picked.
    private func observeTurn(_ monitor: FeatureMonitor, _ entities: [Int: Int], _ failure: inout String?) -> UInt64 {
        let (picks, picked, lost) = sampler.take()
        let limit = max(1, settings.maxPerSecond / Self.turnsPerSecond)
        let step = max(1, Double(picks.count) / Double(limit))
        // In the order of their times: while shards catch up, each hour is then taken up once a turn.
        let taken = stride(from: 0, to: Double(picks.count), by: step).map { picks[Int($0)] }.sorted { $0.time < $1.time }
        for pick in taken {
            guard let entity = entities[pick.entity] else { continue }
            let plan = watched.entities[entity].plan
            guard let values = store.observe(plan, key: pick.key, asOf: pick.time) else {
                readFailures.wrappingAdd(1, ordering: .relaxed)
                continue
            }
            do throws(MonitoringError) {
                try monitor.observe(entity, hash: pick.hash, values: values, time: pick.time, now: Store.now())
                observations.wrappingAdd(1, ordering: .relaxed)
            } catch {
                tell(error, &failure)
            }
        }
        leftOut.wrappingAdd(lost + UInt64(picks.count - taken.count), ordering: .relaxed)
        return picked
    }

    private func judge(_ monitor: FeatureMonitor, _ failure: inout String?) {
        do throws(MonitoringError) {
            try monitor.flush()
            try monitor.judge(now: Store.now())
            failure = nil
        } catch {
            tell(error, &failure)
        }
        firing.withLock { $0 = monitor.alerts }
    }

    /// Once, until it works again.
    private func tell(_ error: MonitoringError, _ failure: inout String?) {
        let text = "\(error)"
        if failure != text { report(.failed(text)) }
        failure = text
    }

    /// Brings the share that is picked to what may be read.
    private func adjust(_ picked: UInt64) {
        let wanted = Double(settings.maxPerSecond), got = Double(picked)
        if got > wanted {
            sampler.setShare(sampler.share * wanted / got)
        } else if got < 0.8 * wanted, sampler.share < 1 {
            sampler.setShare(min(1, sampler.share * min(2, 0.9 * wanted / max(got, 1))))
        }
    }

    // MARK: For the API and the metrics; any thread

    package struct Counts: Sendable {
        package var observations: UInt64
        package var leftOut: UInt64
        package var readFailures: UInt64
        package var share: Double
        package var busySeconds: Double
        package var storeBytes: Int
        package var firing: [Alert]
    }

    package var counts: Counts {
        Counts(
            observations: observations.load(ordering: .relaxed), leftOut: leftOut.load(ordering: .relaxed),
            readFailures: readFailures.load(ordering: .relaxed), share: sampler.share,
            busySeconds: Double(busyNanoseconds.load(ordering: .relaxed)) / 1e9, storeBytes: hours.usedBytes, firing: firing.withLock { $0 })
    }

    /// `GET /v1/monitoring`.
    package func json() throws(MonitoringError) -> [UInt8] {
        let counts = counts
        var json = JSONWriter(reservingBytes: 1 << 16)
        try MonitoringReport(watched, settings, hours).write(
            to: &json, observed: .init(observations: counts.observations, leftOut: counts.leftOut, share: counts.share), now: Store.now())
        return json.bytes
    }

    /// `GET /v1/monitoring/{feature}`.
    package func json(feature: String, entity: String?, hours count: Int) throws(MonitoringError) -> [UInt8] {
        let index = try watched.index(of: feature, entity: entity)
        var json = JSONWriter(reservingBytes: 1 << 16)
        try MonitoringReport(watched, settings, hours).write(index, hours: count, to: &json, now: Store.now())
        return json.bytes
    }
}
