/// What a snapshot holds: written last, so that what has one is whole; and read first, where there are files.
public struct SnapshotManifest: Sendable, Equatable {
    /// One source of a shard: reading goes on at `offset` after a restore.
    public struct Position: Sendable, Equatable {
        public var topic: String
        public var offset: Int64
        /// Broker timestamp of the newest record that is applied, µs.
        public var newestRecord: Int64
    }

    public struct Shard: Sendable, Equatable {
        public var number: Int
        /// When its read transaction began, µs: it holds what was committed then.
        public var taken: Int64
        public var rows: Int
        /// Of all tables.
        public var entries: Int
        /// Keys and values of all tables.
        public var dataBytes: Int
        /// As written.
        public var fileBytes: Int
        public var blocks: Int
        /// The hash of its last block, which depends on every byte before it.
        public var checksum: UInt64
        public var positions: [Position]

        public var file: String { SnapshotManifest.file(ofShard: number) }
    }

    /// 16 bytes drawn at random, the same in all its files.
    public var id: [UInt8]
    /// The program that wrote it.
    public var program: String
    /// When the first shard was taken and the last one written, µs.
    public var began: Int64
    public var ended: Int64
    /// By name, as the rows of the first shard were written with them.
    public var streams: [(name: String, fingerprint: UInt64)]
    public var views: [(name: String, fingerprint: UInt64)]
    /// Of each topic.
    public var partitions: [(topic: String, count: Int)]
    public var shards: [Shard]

    static func file(ofShard number: Int) -> String { FeatureStore.Shard.name(number) }

    public static let fileName = "manifest.json"

    public var rows: Int { shards.reduce(0) { $0 + $1.rows } }
    public var fileBytes: Int { shards.reduce(0) { $0 + $1.fileBytes } }
    public var dataBytes: Int { shards.reduce(0) { $0 + $1.dataBytes } }

    public static func == (a: SnapshotManifest, b: SnapshotManifest) -> Bool { a.sealed() == b.sealed() }
}

extension SnapshotManifest {
    /// The text and, as its last line, the checksum of all bytes before it.
    func sealed() -> [UInt8] {
        let text = json()
        let hash = text.withUnsafeBytes { XXHash64.hash($0) }
        return text + Array("xxh64 \(hexadecimal(hash))\n".utf8)
    }

    /// The manifest of sealed bytes.
    static func open(_ bytes: [UInt8], file: String) throws(SnapshotError) -> SnapshotManifest {
        let sealBytes = 6 + 16 + 1
        guard bytes.count > sealBytes else { throw .damaged("it is cut off", file: file, offset: bytes.count) }
        let text = bytes.dropLast(sealBytes)
        let hash = Array(text).withUnsafeBytes { XXHash64.hash($0) }
        guard Array("xxh64 \(hexadecimal(hash))\n".utf8) == Array(bytes.suffix(sealBytes)) else {
            throw .damaged("the manifest's checksum is wrong", file: file, offset: text.count)
        }
        return try parse(Array(text), file: file)
    }
}
