internal import Glibc
package import NIOCore

/// The threads of event loops before all others, for machines whose processors are all busy.
///
/// A thread that is woken while others run waits for its turn: up to a tick of the kernel (4 ms) for each that is before it, whatever its nice
/// value, and nice values count only within a session (sched(7), "The autogroup feature"). A real-time thread does not wait. Event loops are made
/// for it: they never block and do some tens of microseconds of work for a request. The kernel still leaves the others a share
/// (sched(7), `sched_rt_runtime_us`), so that a flood of lookups slows ingest down and does not stop it.
package enum RealtimeLoops {
    /// Why the system refuses.
    package struct Refusal: Error, CustomStringConvertible {
        let code: Int32
        package var description: String {
            let what = "server.realtime: the system does not allow it (\(String(cString: strerror(code)))); lookups are answered at the usual priority."
            return code == EPERM ? what + " Allow it with LimitRTPRIO=1 in the systemd unit, or CAP_SYS_NICE in a container, or set server.realtime to false" : what
        }
    }

    /// Gives every loop of the group the lowest real-time priority. What the loops' threads start does not inherit it.
    package static func raise(_ group: any EventLoopGroup) async throws {
        for loop in group.makeIterator() {
            try await loop.submit {
                var parameter = sched_param()
                parameter.sched_priority = sched_get_priority_min(SCHED_RR)
                // Of the calling thread alone: sched_setscheduler(2) takes thread ids, 0 is the caller.
                guard sched_setscheduler(0, SCHED_RR | 0x4000_0000 /* SCHED_RESET_ON_FORK */, &parameter) == 0 else { throw Refusal(code: errno) }
            }.get()
        }
    }
}
