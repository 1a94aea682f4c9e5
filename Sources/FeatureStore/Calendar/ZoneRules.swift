internal import Foundation

/// The offsets from UTC that the clocks of a time zone have had and will have, out of the system's time zone database.
///
/// Reads TZif files of version 2 and later (RFC 8536): the table of changes, and behind its end the rule of the footer.
struct ZoneRules {
    struct Change: Equatable {
        /// Seconds since 1970, UTC.
        var start: Int64
        /// Seconds east of UTC from `start` on.
        var offset: Int64
    }

    /// Ascending; the first one begins before all times.
    let changes: [Change]

    /// Where the database is: `TZDIR`, else where Linux has it.
    static var directory: String { ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo" }

    static func load(_ name: String) throws(TimeZoneError) -> ZoneRules {
        guard FileManager.default.fileExists(atPath: directory) else { throw .noDatabase(directory: directory) }
        let isName = !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix("/") && !name.contains("..")
            && name.utf8.allSatisfy { c in
                (c >= 0x30 && c <= 0x39) || (c | 0x20 >= 0x61 && c | 0x20 <= 0x7a) || c == 0x5f || c == 0x2b || c == 0x2d || c == 0x2f
            }
        var isFolder: ObjCBool = false
        let path = "\(directory)/\(name)"
        guard isName, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
            let data = FileManager.default.contents(atPath: path)
        else { throw .unknown(name, nearest: NearestName.of(name, in: knownNames)) }
        guard let rules = ZoneRules(tzif: [UInt8](data)) else { throw .unreadable(name, path: path) }
        return rules
    }

    /// The names in the database's own list, for suggestions; empty when it has none.
    private static var knownNames: [String] {
        guard let data = FileManager.default.contents(atPath: "\(directory)/tzdata.zi") else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count >= 3 && (words[0] == "Z" || words[0] == "L") ? String(words[words[0] == "Z" ? 1 : 2]) : nil
        }
    }

    /// Nil when the bytes are not such a file, or one whose seconds count leap seconds.
    init?(tzif bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard let old = reader.header(), old.version >= 0x32, reader.skip(old.byteCount(timeBytes: 4)), let header = reader.header(),
            header.types > 0, header.leaps == 0, header.byteCount(timeBytes: 8) <= bytes.count - reader.at
        else { return nil }
        var starts: [Int64] = [], kinds: [Int] = [], offsets: [Int64] = []
        for _ in 0..<header.times { starts.append(Int64(bitPattern: reader.bigEndian(8))) }
        for _ in 0..<header.times { kinds.append(Int(reader.bigEndian(1))) }
        for _ in 0..<header.types {
            offsets.append(Int64(Int32(truncatingIfNeeded: reader.bigEndian(4))))
            _ = reader.skip(2)
        }
        guard kinds.allSatisfy({ $0 < offsets.count }), offsets.allSatisfy({ abs($0) < 26 * 3600 }),
            zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        _ = reader.skip(header.chars + header.standards + header.universals)
        let footer = bytes[min(reader.at, bytes.count)...]
        guard footer.first == 0x0a, let end = footer.dropFirst().firstIndex(of: 0x0a) else { return nil }

        var changes = [Change(start: .min / 2, offset: offsets[0])]
        for (start, kind) in zip(starts, kinds) where start > changes[0].start { changes.append(Change(start: start, offset: offsets[kind])) }
        let text = String(decoding: footer[(footer.startIndex + 1)..<end], as: UTF8.self)
        if !text.isEmpty {
            guard let rule = ZoneFooter(text) else { return nil }
            let last = changes[changes.count - 1].start
            changes += rule.changes.filter { $0.start > last }
        }
        self.changes = changes
    }

    private struct Header {
        var version: UInt8
        var universals, standards, leaps, times, types, chars: Int
        func byteCount(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + chars + leaps * (timeBytes + 4) + standards + universals
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func header() -> Header? {
            guard bytes.count - at >= 44, Array(bytes[at..<at + 4]) == Array("TZif".utf8) else { return nil }
            let version = bytes[at + 4]
            at += 20
            // In the order of the file.
            let counts = (0..<6).map { _ in Int(bigEndian(4)) }
            return Header(
                version: version, universals: counts[0], standards: counts[1], leaps: counts[2], times: counts[3],
                types: counts[4], chars: counts[5])
        }

        mutating func skip(_ count: Int) -> Bool {
            guard count <= bytes.count - at else { return false }
            at += count
            return true
        }

        /// The caller has seen to it that they are there.
        mutating func bigEndian(_ count: Int) -> UInt64 {
            defer { at += count }
            return bytes[at..<at + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

/// Why there is no such time zone.
public enum TimeZoneError: Error, Equatable, CustomStringConvertible {
    case noDatabase(directory: String)
    case unknown(String, nearest: String?)
    case unreadable(String, path: String)

    public var description: String {
        switch self {
        case .noDatabase(let directory): "the time zone database is not installed: there is no \(directory)"
        case .unknown(let name, _): "there is no time zone `\(name)`"
        case .unreadable(let name, let path): "the time zone `\(name)` cannot be read from \(path)"
        }
    }

    public var remedy: String {
        switch self {
        case .noDatabase: "install the package tzdata, or set TZDIR to its directory"
        case .unknown(_, let nearest): (nearest.map { "did you mean `\($0)`? " } ?? "") + "write a name of the tz database, such as Europe/Berlin"
        case .unreadable: "it must be a TZif file of version 2 or later without leap seconds: install the package tzdata again"
        }
    }
}
