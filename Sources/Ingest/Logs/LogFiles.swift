internal import Glibc

/// The files that a list of paths, globs and directories names, in order.
public struct LogFiles: Sendable, Equatable {
    public struct File: Sendable, Equatable {
        /// `-`: standard input.
        public let path: String
        /// As it lies on the disk; nil: not known before it was read.
        public let bytes: Int64?
    }

    public let files: [File]

    /// Sum of all; nil when one is not known.
    public var totalBytes: Int64? {
        var sum: Int64 = 0
        for file in files {
            guard let bytes = file.bytes else { return nil }
            sum += bytes
        }
        return sum
    }

    public init(_ paths: [String]) throws(LogError) {
        guard !paths.isEmpty else { throw LogError("no log is named", remedy: "name files, directories or `-` for standard input") }
        var found: [File] = []
        var seen: Set<[UInt64]> = []
        for path in paths {
            var matches: [String] = []
            if path == "-" || access(path, F_OK) == 0 {
                matches = [path]
            } else if path.contains(where: { "*?[".contains($0) }) {
                matches = Self.glob(path)
                if matches.isEmpty { throw LogError(path: path, "no file matches this pattern") }
            } else {
                throw LogError(path: path, "cannot be opened: \(String(cString: strerror(errno)))", remedy: "check the name")
            }
            for match in matches { try Self.add(match, to: &found, &seen) }
        }
        if found.isEmpty { throw LogError(path: paths[0], "there is no file in it") }
        files = found
    }

    private static func add(
        _ path: String, to found: inout [File], _ seen: inout Set<[UInt64]>
    ) throws(LogError) {
        if path == "-" {
            guard !found.contains(where: { $0.path == "-" }) else { throw LogError("standard input is named twice") }
            found.append(File(path: path, bytes: nil))
            return
        }
        var facts = stat()
        guard stat(path, &facts) == 0 else { throw LogError(path: path, "cannot be opened: \(String(cString: strerror(errno)))") }
        if facts.st_mode & S_IFMT == S_IFDIR {
            for name in try entries(path) { try add("\(path)/\(name)", to: &found, &seen) }
            return
        }
        // Twice the same file would be twice the same events.
        guard seen.insert([UInt64(facts.st_dev), UInt64(facts.st_ino)]).inserted || facts.st_mode & S_IFMT != S_IFREG else {
            throw LogError(path: path, "the file is named twice", remedy: "its events would count twice; name it once")
        }
        found.append(File(path: path, bytes: facts.st_mode & S_IFMT == S_IFREG ? Int64(facts.st_size) : nil))
    }

    /// Names in bytewise order, without those that are hidden or, as Spark's `_SUCCESS`, about the data.
    private static func entries(_ directory: String) throws(LogError) -> [String] {
        guard let stream = opendir(directory) else {
            throw LogError(path: directory, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if !name.hasPrefix("."), !name.hasPrefix("_") { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    private static func glob(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard Glibc.glob(pattern, GLOB_NOSORT, nil, &result) == 0 else { return [] }
        let paths = (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
        return paths.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
