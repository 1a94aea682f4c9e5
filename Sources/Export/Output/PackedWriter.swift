internal import FeatureStore
internal import Glibc
internal import JSONBytes

/// A directory of arrays that NumPy opens directly (`numpy.load`, also with `mmap_mode`), and `schema.json` that says what is where.
///
///     values.npy   Float64, a row per request, the dense columns of the vector (bool 0 and 1, decimals the nearest double, null NaN)
///     values.sparse.indptr.npy + values.sparse.indices.npy + values.sparse.data.npy     its sparse columns, as CSR
///     status.npy   UInt8, a column per feature: 1 present, 2 missing, 3 stale, 4 defaulted, 5 warming
///     times.npy    Int64, µs since the epoch         keys.npy   bytes         found.npy   bool
///     labels.npy   Float64, a column per label (null NaN)
///     and of features without columns
///     NAME.codes.npy + NAME.vocabulary.json          a string feature: Int32, an index into the vocabulary; null -1
///     NAME.indptr.npy + NAME.data.npy                a list feature: the row i has data[indptr[i]:indptr[i+1]]
///     NAME.indptr.npy + NAME.indices.npy + NAME.data.npy + NAME.vocabulary.json     a map feature or label by a field, as CSR
///     the same and NAME.shares.npy                   a ranking (`top_k`): counts in `data`, shares beside them, in the order of the rank
///     columns/NAME.npy                               another column of the request list: Float64, or bytes where it is text
final class PackedWriter: RowWriter {
    private enum Part {
        case number
        case text(Int)
        case list(Int, ofTexts: Bool)
        case map(Int, isRanking: Bool)
    }
    /// The files of one feature that is no number.
    private final class Ragged {
        let name: String
        var codes: NpyFile?
        var pointers: NpyFile?
        var indices: NpyFile?
        var data: NpyFile?
        var shares: NpyFile?
        var vocabulary: Vocabulary?
        var count: Int64 = 0
        init(_ name: String) { self.name = name }
    }

    private let layout: OutputLayout
    private let path: String
    private let partial: String
    private var isFinished = false
    private var rows = 0
    private let values: NpyFile?
    /// The sparse columns; nil: there are none.
    private var sparse: Ragged?
    private let status: NpyFile
    private let times: NpyFile
    private let keys: NpyFile
    private let found: NpyFile
    private let labels: NpyFile?
    private var ragged: [Ragged] = []
    private var featureParts: [Part] = []
    private var labelParts: [Part] = []
    private var columns: [(file: NpyFile, name: String)] = []

    init(path: String, layout: OutputLayout) throws(ExportError) {
        self.layout = layout
        self.path = path
        let partial = "\(path).partial"
        self.partial = partial
        guard access(path, F_OK) != 0 else {
            throw ExportError("\(path) exists", remedy: "packed arrays are a directory of their own: remove it, or name another")
        }
        Self.remove(partial)
        try makeDirectory(partial)
        let numbers = layout.columns.dense
        values = numbers == 0 ? nil : try NpyFile(path: "\(partial)/values.npy", type: "<f8", bytesEach: 8, columns: numbers)
        status = try NpyFile(path: "\(partial)/status.npy", type: "|u1", bytesEach: 1, columns: layout.features.count)
        times = try NpyFile(path: "\(partial)/times.npy", type: "<i8", bytesEach: 8)
        keys = try NpyFile(path: "\(partial)/keys.npy", type: "|S\(layout.longestKey)", bytesEach: layout.longestKey)
        found = try NpyFile(path: "\(partial)/found.npy", type: "|b1", bytesEach: 1)
        let numberLabels = layout.labels.filter { Self.isNumber($0.type) }.count
        labels = numberLabels == 0 ? nil : try NpyFile(path: "\(partial)/labels.npy", type: "<f8", bytesEach: 8, columns: numberLabels)
        if layout.columns.sparse > 0 { sparse = try sparseRows(PackedSchema.sparseName) }
        for (feature, hasColumns) in zip(layout.features, layout.hasColumns) where !hasColumns { featureParts.append(try part(feature)) }
        for label in layout.labels { labelParts.append(try part(label)) }
        if !layout.passed.isEmpty { try makeDirectory("\(partial)/columns") }
        var names = AvroNames()
        for column in layout.passed {
            let name = names.unique(column.name)
            let isText = column.kind == .text
            columns.append((
                try NpyFile(
                    path: "\(partial)/columns/\(name).npy", type: isText ? "|S\(column.width)" : "<f8",
                    bytesEach: isText ? column.width : 8), "columns/\(name).npy"))
        }
    }

    deinit { if !isFinished { Self.remove(partial) } }

    private static func isNumber(_ type: ValueType) -> Bool {
        switch type {
        case .bool, .int, .double, .decimal: true
        case .string, .list, .map, .ranking: false
        }
    }

    private func sparseRows(_ name: String) throws(ExportError) -> Ragged {
        let files = Ragged(name)
        files.pointers = try NpyFile(path: "\(partial)/\(name).indptr.npy", type: "<i8", bytesEach: 8)
        try files.pointers!.write(Int64(0))
        files.indices = try NpyFile(path: "\(partial)/\(name).indices.npy", type: "<i4", bytesEach: 4)
        files.data = try NpyFile(path: "\(partial)/\(name).data.npy", type: "<f8", bytesEach: 8)
        return files
    }

    private func part(_ feature: OutputLayout.Feature) throws(ExportError) -> Part {
        if Self.isNumber(feature.type) { return .number }
        let files = Ragged(feature.name)
        let base = "\(partial)/\(feature.name)"
        ragged.append(files)
        let index = ragged.count - 1
        if case .string = feature.type {
            files.codes = try NpyFile(path: "\(base).codes.npy", type: "<i4", bytesEach: 4)
            files.vocabulary = Vocabulary()
            return .text(index)
        }
        files.pointers = try NpyFile(path: "\(base).indptr.npy", type: "<i8", bytesEach: 8)
        try files.pointers!.write(Int64(0))
        if case .list(let element) = feature.type {
            var ofTexts = false
            if case .string = element { ofTexts = true }
            files.data = try NpyFile(path: "\(base).data.npy", type: ofTexts ? "<i4" : "<f8", bytesEach: ofTexts ? 4 : 8)
            if ofTexts { files.vocabulary = Vocabulary() }
            return .list(index, ofTexts: ofTexts)
        }
        files.indices = try NpyFile(path: "\(base).indices.npy", type: "<i4", bytesEach: 4)
        files.data = try NpyFile(path: "\(base).data.npy", type: "<f8", bytesEach: 8)
        files.vocabulary = Vocabulary()
        guard case .ranking = feature.type else { return .map(index, isRanking: false) }
        files.shares = try NpyFile(path: "\(base).shares.npy", type: "<f8", bytesEach: 8)
        return .map(index, isRanking: true)
    }

    // MARK: Rows

    func write(_ row: UnsafeRawBufferPointer) throws(ExportError) {
        rows += 1
        var reader = RecordReader(row.baseAddress!)
        try keys.write(reader.counted(), width: layout.longestKey)
        try times.write(reader.read(Int64.self))
        try found.write(reader.read(UInt8.self))
        let cells = reader.counted()
        try write(cells: cells)
        for _ in layout.features { try status.write(reader.read(UInt8.self)) }
        for _ in 0..<layout.columns.dense { try values!.write(reader.read(Double.self)) }
        if let sparse { try write(sparse, &reader) }
        for part in featureParts { try write(part, &reader, numbers: nil) }
        for part in labelParts { try write(part, &reader, numbers: labels) }
    }

    private func write(_ sparse: Ragged, _ reader: inout RecordReader) throws(ExportError) {
        let count = reader.read(UInt32.self)
        for _ in 0..<count {
            try sparse.indices!.write(reader.read(Int32.self))
            try sparse.data!.write(reader.read(Double.self))
        }
        sparse.count += Int64(count)
        try sparse.pointers!.write(sparse.count)
    }

    private func write(cells: UnsafeRawBufferPointer) throws(ExportError) {
        guard !columns.isEmpty else { return }
        var reader = RecordReader(cells.baseAddress!)
        for (i, column) in layout.passed.enumerated() {
            let length = reader.read(UInt32.self)
            let cell = length == .max ? nil : reader.bytes(Int(length))
            switch column.kind {
            case .text: try columns[i].file.write(cell ?? UnsafeRawBufferPointer(start: nil, count: 0), width: column.width)
            case .bool: try columns[i].file.write(cell.map { $0.count == 4 ? 1.0 : 0.0 } ?? Double.nan)
            case .integer, .number:
                try columns[i].file.write(cell.flatMap { Double(String(decoding: $0, as: UTF8.self)) } ?? .nan)
            }
        }
    }

    private func write(_ part: Part, _ reader: inout RecordReader, numbers: NpyFile?) throws(ExportError) {
        switch part {
        case .number: try numbers!.write(reader.read(Double.self))
        case .text(let index):
            let files = ragged[index]
            let code = reader.read(UInt8.self) == 0 ? -1 : files.vocabulary!.number(of: reader.text())
            try files.codes!.write(code)
        case .list(let index, let ofTexts):
            let files = ragged[index]
            let count = reader.read(UInt32.self)
            for _ in 0..<count {
                if ofTexts { try files.data!.write(files.vocabulary!.number(of: reader.text())) } else {
                    try files.data!.write(reader.read(Double.self))
                }
            }
            files.count += Int64(count)
            try files.pointers!.write(files.count)
        case .map(let index, let isRanking):
            let files = ragged[index]
            let count = reader.read(UInt32.self)
            for _ in 0..<count {
                try files.indices!.write(files.vocabulary!.number(of: reader.text()))
                try files.data!.write(reader.read(Double.self))
                if isRanking { try files.shares!.write(reader.read(Double.self)) }
            }
            files.count += Int64(count)
            try files.pointers!.write(files.count)
        }
    }

    func finish() throws(ExportError) {
        try values?.finish(rows: rows)
        try labels?.finish(rows: rows)
        for file in [status, times, keys, found] + columns.map(\.file) { try file.finish(rows: rows) }
        for files in ragged + (sparse.map { [$0] } ?? []) {
            try files.codes?.finish(rows: rows)
            try files.pointers?.finish(rows: rows + 1)
            try files.indices?.finish(rows: Int(files.count))
            try files.data?.finish(rows: Int(files.count))
            try files.shares?.finish(rows: Int(files.count))
            if let texts = files.vocabulary?.texts {
                var json = JSONWriter()
                json.beginArray()
                for text in texts { json.string(text) }
                json.endArray()
                try write(json.bytes, to: "\(files.name).vocabulary.json")
            }
        }
        try write(PackedSchema.json(layout, rows: rows, columns: columns.map(\.name)), to: "schema.json")
        guard rename(partial, path) == 0 else {
            throw ExportError("cannot finish \(path): \(systemError())", remedy: "check the disk")
        }
        isFinished = true
    }

    private func write(_ bytes: [UInt8], to name: String) throws(ExportError) {
        let file = try OutputFile(path: "\(partial)/\(name)")
        try file.write(bytes)
        try file.finish()
    }

    /// What an export that was killed may have left.
    private static func remove(_ directory: String) {
        for folder in ["\(directory)/columns", directory] {
            guard let stream = opendir(folder) else { continue }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name.hasSuffix(".npy") || name.hasSuffix(".json") || name.hasSuffix(".partial") { unlink("\(folder)/\(name)") }
            }
            closedir(stream)
            rmdir(folder)
        }
    }
}
