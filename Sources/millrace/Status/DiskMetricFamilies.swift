internal import Glibc
internal import Serving

/// The file system that holds the store: alerts have to know before it is full.
struct DiskMetricFamilies {
    let storeDirectory: String

    /// Without samples while the directory is not there, or the system does not say.
    func families() -> [MetricFamily] {
        var disk = statvfs()
        let isKnown = statvfs(storeDirectory, &disk) == 0
        func gauge(_ name: String, _ help: String, _ blocks: UInt) -> MetricFamily {
            MetricFamily(
                name: name, help: help, kind: .gauge, samples: isKnown ? [.init(Double(blocks) * Double(disk.f_frsize))] : [])
        }
        return [
            // What this user may still take: less than what is free where blocks are kept for root.
            gauge("millrace_store_disk_free_bytes", "Room that is left on the file system of the store.", disk.f_bavail),
            gauge("millrace_store_disk_size_bytes", "Size of the file system of the store.", disk.f_blocks),
        ]
    }
}
