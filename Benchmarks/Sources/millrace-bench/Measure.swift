internal import Foundation
internal import Glibc

/// Wall clock and CPU of a span of work, in seconds; CPU of all threads of this process.
struct Cost {
    var wall = 0.0
    var cpu = 0.0

    static func now() -> Cost {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        var processor = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor)
        func seconds(_ value: timespec) -> Double { Double(value.tv_sec) + Double(value.tv_nsec) / 1e9 }
        return Cost(wall: seconds(time), cpu: seconds(processor))
    }

    static func of(_ body: () throws -> Void) rethrows -> Cost {
        let before = now()
        try body()
        return now() - before
    }

    static func - (left: Cost, right: Cost) -> Cost { Cost(wall: left.wall - right.wall, cpu: left.cpu - right.cpu) }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : sorted.isEmpty ? last : (sorted[middle - 1] + sorted[middle]) / 2
}

/// `values` sorted; the value that the share `p` of them does not exceed.
func percentile(_ values: [Int], _ p: Double) -> Int {
    guard !values.isEmpty else { return 0 }
    return values[min(values.count - 1, max(0, Int((Double(values.count) * p).rounded(.up)) - 1))]
}

func fixed(_ value: Double, _ digits: Int = 2) -> String {
    guard value.isFinite else { return "-" }
    var room = [CChar](repeating: 0, count: 64)
    _ = withVaList([Int32(digits), value]) { vsnprintf(&room, room.count, "%.*f", $0) }
    return String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func thousands(_ value: Double) -> String {
    let digits = Array(String(Int(value.isFinite ? value.rounded() : 0)))
    var text = ""
    for (i, digit) in digits.enumerated() {
        if i > 0, (digits.count - i) % 3 == 0, digits[i - 1] != "-" { text += " " }
        text.append(digit)
    }
    return text
}

/// Bytes that this process has given to disks, since it began; 0 when the kernel does not say.
func writtenBytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { return 0 }
    return text.split(separator: "\n").lazy.compactMap { line in
        line.hasPrefix("write_bytes: ") ? Int(line.dropFirst("write_bytes: ".count)) : nil
    }.first ?? 0
}

/// A line of /proc/self/status in bytes, such as `RssAnon`; 0 when the kernel does not say.
func processMemory(_ name: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix(name + ":") else { continue }
        return (Int(text.filter(\.isNumber)) ?? 0) * 1024
    }
    return 0
}

/// Calls of malloc and its like so far, of the whole process; nil unless malloc_count.so is preloaded.
enum Allocations {
    private static let read: (@convention(c) () -> UInt64)? = dlsym(nil, "malloc_count_read").map {
        unsafeBitCast($0, to: (@convention(c) () -> UInt64).self)
    }

    static var count: UInt64? { read?() }
}

/// The lines for `Benchmarks/report`.
struct Results {
    let path: String

    func add(_ name: String, _ value: Double) {
        guard !path.isEmpty, let file = fopen(path, "a") else { return }
        defer { fclose(file) }
        fputs("\(name) \(value)\n", file)
    }
}

/// A fresh directory under `parent`, removed with all that is in it by `remove`.
struct ScratchDirectory {
    let path: String

    init(_ arguments: Arguments) throws {
        let parent = arguments.text("dir", getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        var template = Array("\(parent)/millrace-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Arguments.Problem("cannot make a directory in \(parent): use --dir") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
