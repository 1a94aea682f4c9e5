internal import Glibc

/// The snapshots in a directory that were named by when they were taken, as `serve` does: what there is, and what goes.
public enum SnapshotList {
    /// `2026-11-26T14-31-52Z`: without colons, which some file systems and tools do not take in a name.
    public static func name(at time: Int64) -> String {
        var seconds = time_t(time / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour))-\(two(parts.tm_min))-\(two(parts.tm_sec))Z"
    }

    static func isName(_ text: String) -> Bool {
        let pattern = Array("0000-00-00T00-00-00Z".utf8), bytes = Array(text.utf8)
        return bytes.count == pattern.count && zip(bytes, pattern).allSatisfy { byte, wanted in
            wanted == UInt8(ascii: "0") ? (0x30...0x39).contains(byte) : byte == wanted
        }
    }

    /// The names of finished snapshots, oldest first.
    public static func names(in directory: String) -> [String] {
        GenerationFiles.entries(of: directory).filter {
            isName($0) && GenerationFiles.exists("\(directory)/\($0)/\(SnapshotManifest.fileName)")
        }.sorted()
    }

    /// Deletes the oldest snapshots beyond the newest `keep`, and what killed processes have left unfinished. Answers the names that went.
    @discardableResult
    public static func prune(_ directory: String, keep: Int) throws -> [String] {
        for name in GenerationFiles.entries(of: directory) {
            let isPartial = name.hasSuffix(PartialDirectory.suffix) && isName(String(name.dropLast(PartialDirectory.suffix.utf8.count)))
            let hasNoManifest = isName(name) && !GenerationFiles.exists("\(directory)/\(name)/\(SnapshotManifest.fileName)")
            if isPartial || hasNoManifest { _ = PartialDirectory.removeAbandoned("\(directory)/\(name)") }
        }
        let gone = Array(names(in: directory).dropLast(Swift.max(1, keep)))
        for name in gone {
            let path = "\(directory)/\(name)"
            // Without it the rest is no snapshot, should this end halfway.
            if unlink(path + "/" + SnapshotManifest.fileName) != 0 { throw SnapshotError.writing(path: path, code: errno) }
            try GenerationFiles.remove(path)
        }
        return gone
    }
}
