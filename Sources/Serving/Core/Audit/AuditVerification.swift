internal import Foundation

/// Reads the files of an audit log and finds the first record that is not what was written.
public struct AuditVerification {
    public struct Fault: Error, CustomStringConvertible {
        public let file: String
        /// From 1; 0: the file as a whole.
        public let line: Int
        public let what: String
        public var description: String { line == 0 ? "\(file): \(what)" : "\(file):\(line): \(what)" }
    }

    public private(set) var records: Int64 = 0
    public private(set) var head: AuditHead
    /// Where the chain must have come by: heads that somebody noted down. By number.
    private var expected: [Int64: String]

    /// - Parameters:
    ///   - after: the record before the first; `.none`: the log is here from its beginning.
    ///   - heads: what was noted down of the log earlier: it must still say so.
    public init(after: AuditHead = .none, heads: [AuditHead] = []) {
        head = after
        expected = Dictionary(heads.map { ($0.number, $0.hash) }) { first, _ in first }
    }

    /// Reads all files, in the order of their records, whichever way they are named.
    public mutating func read(_ files: [String]) throws(Fault) {
        var ordered: [(first: Int64, file: String)] = []
        for file in files {
            guard let handle = FileHandle(forReadingAtPath: file) else { throw Fault(file: file, line: 0, what: "the file cannot be read") }
            let start = (try? handle.read(upToCount: 64)) ?? Data()
            if start.isEmpty { continue }
            ordered.append((AuditLine.number(start) ?? 0, file))
        }
        for (_, file) in ordered.sorted(by: { $0.first < $1.first }) { try read(file) }
        if let (number, _) = expected.filter({ $0.key > head.number }).min(by: { $0.key < $1.key }) {
            throw Fault(
                file: files.last ?? "", line: 0,
                what: "the log ends with record \(head.number), and record \(number) was written: \(number - head.number) or more are missing at the end")
        }
    }

    private mutating func read(_ file: String) throws(Fault) {
        guard let handle = FileHandle(forReadingAtPath: file) else { throw Fault(file: file, line: 0, what: "the file cannot be read") }
        var rest: [UInt8] = []
        var number = 0
        while let chunk = try? handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            rest += chunk
            var start = 0
            while let end = rest[start...].firstIndex(of: 10) {
                number += 1
                try take(rest[start..<end], file, number)
                start = end + 1
            }
            rest.removeFirst(start)
        }
        if !rest.isEmpty { throw Fault(file: file, line: number + 1, what: "the last record is cut off: record \(head.number + 1) is not whole") }
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>, _ file: String, _ number: Int) throws(Fault) {
        let next = head.number + 1
        guard let line = AuditLine(bytes) else { throw Fault(file: file, line: number, what: "record \(next) was changed: the line is no record") }
        guard line.number == next else {
            let what: String
            if line.number > next {
                what = records == 0
                    ? "the log begins with record \(line.number): give the files before it, or --after \(line.number - 1):HASH"
                    : "record \(next) is missing: \(head.number) is followed by \(line.number)"
            } else {
                what = "record \(line.number) stands where record \(next) should: it was put in, repeated or moved"
            }
            throw Fault(file: file, line: number, what: what)
        }
        guard line.follows(head.hash) else {
            throw Fault(
                file: file, line: number,
                what: records == 0 && head != .none
                    ? "record \(next) was changed, or it does not follow the record of --after" : "record \(next) was changed, or does not follow record \(head.number)")
        }
        if let noted = expected[next], noted != line.hash {
            throw Fault(file: file, line: number, what: "record \(next) is another one than was noted down: the log was written anew up to here")
        }
        head = AuditHead(number: next, hash: line.hash)
        records += 1
    }
}
