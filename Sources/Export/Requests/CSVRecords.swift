/// The records of a CSV file (RFC 4180): commas, quotes doubled inside quotes, line ends inside quotes, CR LF or LF.
final class CSVRecords {
    /// A record that is longer than this has lost its closing quote.
    static let maxRecordBytes = 16 << 20

    let file: InputFile
    /// The fields of the record last read, one after another.
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    /// Which of them stood in quotes.
    private(set) var quoted: [Bool] = []
    /// Line on which the record begins, from 1.
    private(set) var line = 0
    private var nextLine = 1

    init(_ file: InputFile) { self.file = file }

    func field(_ index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// Reads the next record that is not an empty line; false at the end.
    func next() throws(ExportError) -> Bool {
        repeat { if try !readRecord() { return false } } while ends.count == 1 && bytes.isEmpty && !quoted[0]
        return true
    }

    private func readRecord() throws(ExportError) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        quoted.removeAll(keepingCapacity: true)
        line = nextLine
        if line == 1, try file.peek() == 0xef {
            // A byte order mark, as spreadsheets write it.
            for _ in 0..<3 { _ = try file.next() }
        }
        guard var byte = try file.next() else { return false }
        while true {
            var isQuoted = false
            if byte == UInt8(ascii: "\"") {
                isQuoted = true
                try readQuoted()
            } else if byte != UInt8(ascii: ","), byte != 0x0a, byte != 0x0d {
                bytes.append(byte)
            }
            var ended = byte == UInt8(ascii: ",") || byte == 0x0a
            var last = byte
            if byte == 0x0d { (ended, last) = try endOfLine() }
            while !ended {
                guard let next = try file.next() else {
                    endField(isQuoted)
                    return true
                }
                last = next
                switch next {
                case UInt8(ascii: ","), 0x0a: ended = true
                case 0x0d: (ended, last) = try endOfLine()
                default:
                    if isQuoted { throw fault("there is text after a closing quote") }
                    bytes.append(next)
                    if bytes.count > Self.maxRecordBytes { throw fault("a record has more than \(Self.maxRecordBytes) bytes") }
                }
            }
            endField(isQuoted)
            if last == 0x0a {
                nextLine += 1
                return true
            }
            guard let next = try file.next() else {
                endField(false)  // A comma at the very end: one more empty field.
                return true
            }
            byte = next
        }
    }

    private func endField(_ isQuoted: Bool) {
        ends.append(bytes.count)
        quoted.append(isQuoted)
    }

    /// After a CR: the line ends, with or without LF.
    private func endOfLine() throws(ExportError) -> (Bool, UInt8) {
        if try file.peek() == 0x0a { _ = try file.next() }
        return (true, 0x0a)
    }

    private func readQuoted() throws(ExportError) {
        while true {
            guard let byte = try file.next() else { throw fault("a quote is not closed") }
            if byte == UInt8(ascii: "\"") {
                guard try file.peek() == UInt8(ascii: "\"") else { return }
                _ = try file.next()
            } else if byte == 0x0a {
                nextLine += 1
            }
            bytes.append(byte)
            if bytes.count > Self.maxRecordBytes { throw fault("a quote is not closed within \(Self.maxRecordBytes) bytes") }
        }
    }

    func fault(_ what: String) -> ExportError {
        ExportError("\(file.path), line \(line): \(what)", remedy: "write it as RFC 4180 has it: fields with commas, quotes or line ends in double quotes")
    }
}
