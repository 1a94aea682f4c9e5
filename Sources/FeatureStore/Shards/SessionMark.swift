internal import Glibc

/// Tells whether a shard that was written without syncing can be trusted: a file beside the environment says whether it was closed
/// properly and, if not, under which boot of the system it was last open.
///
/// After a crash of the *process* the kernel still has every page: the boot id is the same and all is well. After a crash of the
/// *system* the boot id differs and the mark says `open`: pages may be missing.
package struct SessionMark {
    package let path: String
    /// Which boot of the system this is; nil where the process may not know (`ProcSubset=pid` hides it).
    private let boot: String?

    package init(directory: String) { self.init(directory: directory, boot: Self.read("/proc/sys/kernel/random/boot_id")) }

    package init(directory: String, boot: String?) { (path, self.boot) = (directory + "/session", boot) }

    /// Whether pages may be missing: the shard was open without syncing when the system went down.
    package var isTorn: Bool {
        guard let text = Self.read(path), text.hasPrefix("open "), text.hasSuffix(" replay") else { return false }
        // Whoever cannot tell one boot from another may not say that all is well.
        return boot == nil || text != openText(.replay)
    }

    /// 0 or an `errno`.
    package func markOpen(_ durability: StoreSettings.Durability) -> Int32 { write(openText(durability)) }
    package func markClean() -> Int32 { write("clean") }

    private func openText(_ durability: StoreSettings.Durability) -> String { "open \(boot ?? "unknown") \(durability.rawValue)" }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        var text = String(decoding: buffer[..<count], as: UTF8.self)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    /// Replaces the file in one step and syncs it. 0 or an `errno`.
    private func write(_ text: String) -> Int32 {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { return errno }
        let bytes = Array((text + "\n").utf8)
        let count = Glibc.write(file, bytes, bytes.count)
        var code: Int32 = count < 0 ? errno : count < bytes.count ? ENOSPC : 0
        if code == 0, fsync(file) != 0 { code = errno }
        close(file)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        return code
    }
}
