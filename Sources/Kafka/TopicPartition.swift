/// One partition of one topic.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var topic: String
    public var partition: Int

    public init(topic: String, partition: Int) {
        (self.topic, self.partition) = (topic, partition)
    }

    public var description: String { "\(topic)[\(partition)]" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// Where the consumption of an assigned partition starts.
public enum StartPosition: Hashable, Sendable {
    /// The offset of the first record to read. One that the log does not hold (any more, or yet) is reported as an error.
    case offset(Int64)
    /// The oldest record the log still holds.
    case beginning
    /// After the newest record at the time of the assignment.
    case end
    /// Where the group committed last.
    case committed
}
