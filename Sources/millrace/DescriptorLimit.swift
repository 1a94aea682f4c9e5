internal import Glibc

enum DescriptorLimit {
    /// Shells allow a process 1,024 open files unless it asks for more; each connection is one. Takes what the system allows.
    static func raise() {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(files, &limit)
    }
}
