internal import Glibc

/// Which boot of the system this is: what was left open under another one may not be on the disk.
package enum Boot {
    /// Nil where the process may not know (`ProcSubset=pid` hides it).
    package static let id: String? = {
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }()
}
