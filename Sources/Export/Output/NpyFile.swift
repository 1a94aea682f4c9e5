/// One array in NumPy's own format, version 1.0 (numpy.lib.format), written from front to back; the number of elements is put in at the end.
final class NpyFile {
    private static let headerBytes = 128
    private let file: OutputFile
    private let type: String
    /// Elements per row; nil: one, in an array of one dimension.
    private let columns: Int?
    private let bytesPerRow: Int

    /// `type` is NumPy's: `<f8`, `<i4`, `|S12`, ...
    init(path: String, type: String, bytesEach: Int, columns: Int? = nil) throws(ExportError) {
        file = try OutputFile(path: path)
        self.type = type
        self.columns = columns
        bytesPerRow = bytesEach * (columns ?? 1)
        try file.write([UInt8](repeating: 0x20, count: Self.headerBytes))
    }

    func write<T: BitwiseCopyable>(_ value: T) throws(ExportError) { try file.write(value) }

    /// Text in a field of fixed width, zeros behind it.
    func write(_ text: UnsafeRawBufferPointer, width: Int) throws(ExportError) {
        try file.write(UnsafeRawBufferPointer(rebasing: text.prefix(width)))
        if text.count < width { try file.write([UInt8](repeating: 0, count: width - text.count)) }
    }

    func finish(rows: Int) throws(ExportError) {
        let expected = Self.headerBytes + rows * bytesPerRow
        precondition(file.byteCount == expected, "every row writes all of its elements")
        let shape = columns.map { "(\(rows), \($0))" } ?? "(\(rows),)"
        var header = Array("\u{0}NUMPY".utf8)
        header[0] = 0x93
        header += [1, 0, UInt8(Self.headerBytes - 10), 0]
        header += Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }".utf8)
        header += [UInt8](repeating: 0x20, count: Self.headerBytes - 1 - header.count) + [0x0a]
        try file.patch(header, at: 0)
        try file.finish()
    }
}

/// The different texts of a column and their numbers, in the order in which the rows first have them.
struct Vocabulary {
    private var numbers: [String: Int32] = [:]
    private(set) var texts: [String] = []

    mutating func number(of text: String) -> Int32 {
        if let known = numbers[text] { return known }
        let number = Int32(texts.count)
        numbers[text] = number
        texts.append(text)
        return number
    }
}
