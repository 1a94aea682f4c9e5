internal import CLinux
internal import FeatureStore
internal import Glibc
package import NIOCore
package import NIOPosix
internal import Synchronization

/// Event loops before everything else, for machines whose processors are all busy: ahead of others on the same processors, or on some of their own.
///
/// A thread that is woken while others run waits for its turn: up to a tick of the kernel (4 ms) for each that is before it, whatever its nice
/// value, and nice values count only within a session (sched(7), "The autogroup feature"). A real-time thread does not wait for others' programs,
/// but where the kernel is not preemptible it still waits for what the kernel does for them: another's send or write ends first. On a processor
/// where nothing else of this program runs there is little to wait for. Event loops are made for both: they never block and do some tens of
/// microseconds of work for a request.
package enum LoopThreads {
    /// Why the system refuses.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// Gives each thread a part of the heap of its own, from now on. glibc has eight for each processor and lets further threads share them: then a loop waits for
    /// a thread of ingest that was interrupted while it held the lock of their part, some tens of milliseconds on a busy processor.
    package static func separateHeaps() { _ = set_heap_arenas(4096) }

    // MARK: A real-time priority

    /// Gives every loop of the group the lowest real-time priority. What the loops' threads start does not inherit it. The kernel still leaves the
    /// others a share (sched(7), `sched_rt_runtime_us`), so that a flood of lookups slows ingest down and does not stop it.
    package static func raise(_ group: any EventLoopGroup) async throws {
        for loop in group.makeIterator() {
            try await loop.submit {
                var parameter = sched_param()
                parameter.sched_priority = sched_get_priority_min(SCHED_RR)
                // Of the calling thread alone: sched_setscheduler(2) takes thread ids, 0 is the caller.
                guard sched_setscheduler(0, SCHED_RR | 0x4000_0000 /* SCHED_RESET_ON_FORK */, &parameter) == 0 else {
                    let code = errno
                    let what = "server.realtime: the system does not allow it (\(String(cString: strerror(code)))); lookups are answered at the usual priority."
                    throw Refusal(description: code == EPERM
                        ? what + " Allow it with LimitRTPRIO=1 in the systemd unit, or CAP_SYS_NICE in a container, or set server.realtime to false" : what)
                }
            }.get()
        }
    }

    // MARK: Processors of their own

    /// What is left to everything else; nil: loops have no processors of their own.
    private static let others = Mutex<Affinity?>(nil)

    /// Moves all threads of this process off these processors, and with them all that they start. The singleton group, which must not have been
    /// used yet, will have a loop for each; `place` puts them there.
    package static func reserve(_ processors: [Int]) throws(Refusal) {
        let allowed = Affinity.ofThisThread
        let missing = processors.filter { !allowed.processors.contains($0) }
        guard missing.isEmpty else {
            throw Refusal(description: "server.processors: this program may not run on processor \(missing.map(String.init).joined(separator: ", ")), only on "
                + "\(allowed.processors.map(String.init).joined(separator: ", ")). Name some of these, or give it more (CPUAffinity= of the systemd unit, cpuset of a container)")
        }
        let left = Affinity(allowed.processors.filter { !processors.contains($0) })
        guard !left.processors.isEmpty else {
            throw Refusal(description: "server.processors: that is all \(allowed.processors.count) that this program may run on, and nothing is left for ingest. "
                + "Leave one out, or remove the setting")
        }
        NIOSingletons.groupLoopCountSuggestion = processors.count
        // Twice: a thread that was not moved yet may have started another meanwhile.
        for _ in 0..<2 { for thread in threads() { try refuse(left.apply(to: thread)) } }
        others.withLock { $0 = left }
    }

    /// Moves this thread off the loops' processors, and with it all that it starts: for threads that are not told by whom they were started. A loop
    /// may have started those of the task pool, and they have inherited its processors.
    package static func keepOff() { _ = others.withLock { $0 }?.apply(to: 0) }

    /// Puts the loops of the group on these processors.
    package static func place(_ group: any EventLoopGroup, on processors: [Int]) async throws {
        let own = Affinity(processors)
        for loop in group.makeIterator() { try await loop.submit { try refuse(own.apply(to: 0)) }.get() }
    }

    private static func refuse(_ code: Int32) throws(Refusal) {
        guard code != 0 else { return }
        throw Refusal(description: "server.processors: the system does not allow it (\(String(cString: strerror(code)))). "
            + "Allow sched_setaffinity (SystemCallFilter= of the systemd unit), or remove the setting")
    }

    /// The ids of all threads of this process.
    private static func threads() -> [pid_t] {
        let found = GenerationFiles.entries(of: "/proc/self/task").compactMap { pid_t($0) }
        return found.isEmpty ? [0] : found
    }
}

/// The processors that a thread may run on. Threads inherit it from the one that starts them.
package struct Affinity: Sendable, Equatable {
    /// Ascending.
    package let processors: [Int]
    private static let words = 16

    package init(_ processors: [Int]) { self.processors = processors.sorted() }

    package static var ofThisThread: Affinity {
        var set = [UInt64](repeating: 0, count: words)
        let code = set.withUnsafeMutableBytes { get_processors($0.baseAddress, $0.count) }
        return Affinity(code == 0 ? (0..<words * 64).filter { set[$0 / 64] >> ($0 % 64) & 1 == 1 } : [])
    }

    /// To a thread by its id, 0 the caller. 0 or an `errno`; one that has ended meanwhile is no fault.
    func apply(to thread: pid_t) -> Int32 {
        var set = [UInt64](repeating: 0, count: Self.words)
        for processor in processors { set[processor / 64] |= 1 << (processor % 64) }
        let code = set.withUnsafeBytes { set_processors(thread, $0.baseAddress, $0.count) == 0 ? 0 : errno }
        return code == ESRCH ? 0 : code
    }
}
