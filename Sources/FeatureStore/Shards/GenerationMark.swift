/// What the `meta` table of a next generation says of itself. The live shard has no such mark.
struct GenerationMark: Equatable {
    enum State: UInt8 { case building = 1, complete = 2 }

    var state: State
    /// What it is built from, such as `kafka`: a build is resumed from the same source only.
    var source: String

    init(_ state: State, source: String) {
        self.state = state
        self.source = source
    }

    /// Nil when the bytes are none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first, let state = State(rawValue: first) else { return nil }
        self.init(state, source: String(decoding: bytes.dropFirst(), as: UTF8.self))
    }

    /// Not complete, and nobody goes on with it: purges and restores begin anew. Asked by whoever holds the generation's lock.
    var isAbandoned: Bool { state == .building && (source == ShardPurge.source || source.hasPrefix(RestoredShard.sourcePrefix)) }

    var bytes: [UInt8] { [state.rawValue] + Array(source.utf8) }
}
