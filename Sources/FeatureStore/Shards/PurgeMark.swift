/// Whether bytes of erased rows may still be in a shard's file, and when they were purged. Part of the `meta` table.
///
/// It is about the file and not about the rows, so it goes by the wall clock.
public struct PurgeMark: Sendable, Equatable {
    /// Since when (µs) there may be some; nil: there are none.
    public var pendingSince: Int64?
    /// How often this shard was purged.
    public var count: UInt64 = 0
    /// µs; 0: never.
    public var lastTime: Int64 = 0

    init() {}
}
