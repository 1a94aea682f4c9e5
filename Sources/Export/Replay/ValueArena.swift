internal import FeatureStore

/// Room for the values of events that a row editor has yet to finish: what was given stays where it is until `removeAll`.
struct ValueArena: ~Copyable {
    private static let blockValues = 4096
    private var blocks: [UnsafeMutablePointer<FieldValue>] = []
    private var block = 0
    private var used = 0

    init() {}

    deinit { for block in blocks { block.deallocate() } }

    /// Time to finish the row: what has piled up is many times what a batch needs.
    var isFull: Bool { block >= 16 }

    mutating func removeAll() { (block, used) = (0, 0) }

    /// Room for `count` values, at most a block's.
    mutating func room(_ count: Int) -> UnsafeMutablePointer<FieldValue> {
        precondition(count <= Self.blockValues, "a stream has far fewer fields")
        if used + count > Self.blockValues { (block, used) = (block + 1, 0) }
        if block == blocks.count { blocks.append(.allocate(capacity: Self.blockValues)) }
        defer { used += count }
        return blocks[block] + used
    }
}
