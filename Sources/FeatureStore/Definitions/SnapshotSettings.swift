/// Snapshots that `serve` takes by itself.
public struct SnapshotSettings: Sendable, Equatable {
    /// Gets a directory for each, named by its time.
    public var directory: String
    public var every: Microseconds = .hours(6)
    /// So many of the newest stay.
    public var keep = 8

    public init(directory: String) { self.directory = directory }
}
