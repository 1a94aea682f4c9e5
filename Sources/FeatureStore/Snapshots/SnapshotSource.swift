internal import Glibc

/// A snapshot that is read: a directory with files, or one stream from a file or a pipe. Both hold the same sections.
struct SnapshotSource {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Reads and checks everything. `shard` is asked at the beginning of each section for what takes its content; what that gets is whole when this
    /// returns, and not before.
    func read(
        isInterrupted: () -> Bool, progress: (Snapshot.Progress) -> Void,
        shard: (SnapshotSectionReader.Section) throws -> (SnapshotSectionReader.Content) throws -> Void
    ) throws -> SnapshotManifest {
        var state = Snapshot.Progress()
        func section(_ reader: SnapshotSectionReader, _ start: SnapshotSectionReader.Section, _ input: SnapshotInput, began: Int) throws
            -> SnapshotSectionReader.Section {
            var section = start
            let take = try shard(start)
            let before = state.bytes
            state.shard = start.shard
            state.entries = 0
            try reader.read(&section, began: began) { content in
                if isInterrupted() { throw SnapshotError.interrupted }
                try take(content)
                if case .entries(_, let count) = content { state.entries += count }
                state.bytes = before + input.offset - began
                progress(state)
            }
            state.bytes = before + section.fileBytes
            state.shardsDone += 1
            progress(state)
            return section
        }

        if path != "-", Self.isDirectory(path) {
            let manifest = try Self.manifest(of: path)
            try Self.checkFiles(of: manifest, in: path)
            state.shardCount = manifest.shards.count
            for expected in manifest.shards {
                let input = try SnapshotInput(path: path + "/" + expected.file)
                let reader = SnapshotSectionReader(input)
                guard case .section(let start) = try reader.next() else { throw reader.damaged("no section begins here") }
                try Self.check(start, expected, manifest, reader)
                state.entryCount = expected.entries
                let found = try section(reader, start, input, began: 0)
                try Self.check(found, against: expected, reader)
                if try reader.next() != nil { throw reader.damaged("bytes follow the end of the section") }
            }
            return manifest
        }

        let input = path == "-" ? SnapshotInput(descriptor: 0, name: "standard input") : try SnapshotInput(path: path)
        let reader = SnapshotSectionReader(input)
        var found: [SnapshotSectionReader.Section] = []
        while true {
            let began = input.offset
            switch try reader.next() {
            case nil:
                throw reader.damaged(found.isEmpty && input.offset == 0 ? "it is empty" : "it is cut off: the manifest is missing")
            case .section(let start):
                if let first = found.first, first.snapshot != start.snapshot { throw reader.damaged("the section is of another snapshot") }
                if found.contains(where: { $0.shard == start.shard }) { throw reader.damaged("shard \(start.shard) is there twice") }
                found.append(try section(reader, start, input, began: began))
            case .manifest(let bytes):
                let manifest = try SnapshotManifest.open(bytes, file: input.path)
                guard manifest.shards.count == found.count else {
                    throw reader.damaged("it has \(found.count) shards, its manifest names \(manifest.shards.count)")
                }
                for (section, expected) in zip(found, manifest.shards) {
                    try Self.check(section, expected, manifest, reader)
                    try Self.check(section, against: expected, reader)
                }
                if try reader.next() != nil { throw reader.damaged("bytes follow the end of the snapshot") }
                return manifest
            }
        }
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func manifest(of directory: String) throws -> SnapshotManifest {
        let path = directory + "/" + SnapshotManifest.fileName
        guard GenerationFiles.exists(path) else {
            throw SnapshotError.refused("\(directory) has no \(SnapshotManifest.fileName): it is no snapshot, or one that was never finished")
        }
        let input = try SnapshotInput(path: path)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 20, alignment: 16)
        defer { room.deallocate() }
        let count = try input.read(room)
        return try SnapshotManifest.open(Array(room[..<count]), file: path)
    }

    /// A copy of a file under another name, or one of an older snapshot, is as wrong as one that is missing.
    private static func checkFiles(of manifest: SnapshotManifest, in directory: String) throws(SnapshotError) {
        let names = Set(GenerationFiles.entries(of: directory)).filter { !$0.hasPrefix(".") }
        let expected = Set(manifest.shards.map(\.file) + [SnapshotManifest.fileName])
        if let missing = expected.subtracting(names).min() {
            throw .damaged("the file is missing", file: directory + "/" + missing, offset: 0)
        }
        if let more = names.subtracting(expected).min() {
            throw .damaged("the file is none of the snapshot's", file: directory + "/" + more, offset: 0)
        }
    }

    private static func check(
        _ start: SnapshotSectionReader.Section, _ expected: SnapshotManifest.Shard, _ manifest: SnapshotManifest, _ reader: SnapshotSectionReader
    ) throws(SnapshotError) {
        guard start.snapshot == manifest.id else { throw reader.damaged("the section is of another snapshot") }
        guard start.shard == expected.number else { throw reader.damaged("it holds shard \(start.shard), not \(expected.number)") }
    }

    private static func check(
        _ found: SnapshotSectionReader.Section, against expected: SnapshotManifest.Shard, _ reader: SnapshotSectionReader
    ) throws(SnapshotError) {
        guard found.checksum == expected.checksum, found.blocks == expected.blocks, found.fileBytes == expected.fileBytes,
            found.entries == expected.entries, found.dataBytes == expected.dataBytes, found.rows == expected.rows
        else { throw reader.damaged("shard \(expected.number) is not what the manifest says") }
    }
}
