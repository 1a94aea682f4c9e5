internal import Glibc

enum ThreadPriority {
    /// Puts this thread, and all that it makes from now on, behind those that answer lookups when both want a processor. What is left for it is
    /// still a third of what each of them gets: ingest slows down under a flood of lookups, and does not stop.
    static func lower(to nice: Int32 = 5) {
        // Of this thread alone: setpriority(2), "C library/kernel differences". New threads inherit it.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice)
    }

    /// Behind everything else, the disk's turns included: those of the scheduler for blocks follow from it.
    static func lowest() {
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    }
}
