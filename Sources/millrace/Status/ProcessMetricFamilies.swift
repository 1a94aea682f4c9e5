internal import FeatureStore
internal import Glibc
internal import Serving

/// The process as the kernel sees it, under the names that Prometheus' clients have agreed on, and which build it is.
struct ProcessMetricFamilies {
    private let startSeconds = ProcessMetricFamilies.now()
    private let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))

    func families() -> [MetricFamily] {
        func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
            MetricFamily(name: name, help: help, kind: .gauge, value: value)
        }
        var families = [
            MetricFamily(
                name: "millrace_build_info", help: "1; what was built is in the labels.", kind: .gauge,
                samples: [.init(1, labels: [("version", Build.version), ("swift", Build.swift), ("configuration", Build.configuration)])]),
            gauge("millrace_uptime_seconds", "Seconds since the process began to serve.", max(0, Self.now() - startSeconds)),
            gauge("process_start_time_seconds", "When the process began to serve, in seconds since the epoch.", startSeconds),
        ]
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
            families.append(MetricFamily(
                name: "process_cpu_seconds_total", help: "Processor time of the process, user and system.", kind: .counter, value: seconds))
        }
        let pages = (Self.text("/proc/self/statm") ?? "").split(separator: " ").compactMap { Double($0) }
        if pages.count > 1 {
            families.append(gauge("process_virtual_memory_bytes", "Address space; LMDB's maps are in it and are no memory.", pages[0] * pageBytes))
            families.append(gauge(
                "process_resident_memory_bytes", "Memory in use, pages of the store's files that are mapped included.", pages[1] * pageBytes))
        }
        for line in (Self.text("/proc/self/status") ?? "").split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count > 1, let number = Double(words[1]) else { continue }
            switch words[0] {
            case "Threads:": families.append(gauge("process_threads", "Threads of the process.", number))
            case "RssAnon:":
                families.append(gauge("process_anonymous_memory_bytes", "Memory in use that is the process's own: without the pages of files.", number * 1024))
            default: break
            }
        }
        if let open = Self.openFiles() { families.append(gauge("process_open_fds", "File descriptors open, sockets included.", Double(open))) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(gauge("process_max_fds", "File descriptors that may be open.", Double(limit.rlim_cur)))
        }
        return families
    }

    private static func now() -> Double { Double(Store.now()) / 1e6 }

    private static func openFiles() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Itself, its parent, and the descriptor that lists them.
        return max(0, count - 3)
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

/// What this build is.
enum Build {
    /// Of the release; changed with each.
    static let version = "0.5.0"
    static let program = "millrace \(version)"

    static var configuration: String {
        #if DEBUG
        "debug"
        #else
        "release"
        #endif
    }

    static var swift: String {
        #if compiler(>=6.4)
        "6.4"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
