internal import FeatureStore
internal import Glibc
internal import LMDB

/// How large the rows of a store are, read from its files.
struct RowSizes {
    /// Ascending.
    let sizes: [Int]
    let mean: Double

    /// `body` gets the key of each row, without the byte that names the entity.
    static func read(shards paths: [String], _ body: (UnsafeRawBufferPointer) -> Void = { _ in }) throws -> RowSizes {
        var sizes: [Int] = []
        for path in paths {
            let environment = try Environment(.init(path: path, mapBytes: 1 << 20, readOnly: true))
            defer { environment.close() }
            let rows = try environment.openTable("rows")
            try environment.read { transaction in
                try transaction.forEach(rows) { key, row in
                    sizes.append(row.count)
                    body(UnsafeRawBufferPointer(rebasing: key.dropFirst()))
                    return true
                }
            }
        }
        sizes.sort()
        return RowSizes(sizes: sizes, mean: sizes.isEmpty ? 0 : Double(sizes.reduce(0, +)) / Double(sizes.count))
    }

    func print(_ title: String) {
        Swift.print("""
            \(title)\(thousands(Double(sizes.count))); bytes a row: mean \(fixed(mean, 0)), half at most \(percentile(sizes, 0.5)), \
            90 % \(percentile(sizes, 0.9)), 99 % \(percentile(sizes, 0.99)), largest \(sizes.last ?? 0)
            """)
    }

    func record(_ name: String, _ results: Results) {
        results.add("\(name).mean", mean)
        for p in [50, 90, 99] { results.add("\(name).p\(p)", Double(percentile(sizes, Double(p) / 100))) }
    }

    static func run(_ arguments: Arguments, _ results: Results) throws {
        let directory = try arguments.required("store")
        let output = arguments.text("keys", "")
        let file = output.isEmpty ? nil : fopen(output, "w")
        if !output.isEmpty, file == nil { throw Arguments.Problem("cannot write \(output)") }
        let sizes = try read(shards: shardPaths(directory)) { key in
            guard let file else { return }
            fwrite(key.baseAddress, 1, key.count, file)
            fputc(10, file)
        }
        if let file { fclose(file) }
        sizes.print("rows: ")
        sizes.record("store.row_bytes", results)
        results.add("store.rows", Double(sizes.sizes.count))
    }

    static func shardPaths(_ directory: String) -> [String] {
        (0..<10_000).lazy.map { Shard.path(directory, $0) }.filter { access($0, R_OK) == 0 }
    }
}
