/// A row that is pushed: the JSON object of a record of the pushed topic, with or without its time.
public struct PushRow: Sendable, Equatable {
    public var json: [UInt8]
    public var hasTime: Bool

    public init(json: [UInt8], hasTime: Bool) {
        self.json = json
        self.hasTime = hasTime
    }
}

/// A record in a topic: what a push answers, and what a lookup can ask to have seen.
public struct SourceOffset: Sendable, Equatable {
    public var topic: String
    public var partition: Int
    public var offset: Int64

    public init(topic: String, partition: Int, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

extension SourceOffset {
    /// Several as one word: `scores/0@17,scores/3@9`. No topic has any of the three signs.
    public static func token(_ offsets: [SourceOffset]) -> String {
        offsets.map { "\($0.topic)/\($0.partition)@\($0.offset)" }.joined(separator: ",")
    }

    /// Nil when it is no such word, or names more than `limit` records.
    public static func parse(token: String, limit: Int = 1024) -> [SourceOffset]? {
        var offsets: [SourceOffset] = []
        for part in token.split(separator: ",", omittingEmptySubsequences: false) {
            guard offsets.count < limit, let slash = part.firstIndex(of: "/"), let at = part.firstIndex(of: "@"), slash < at,
                slash > part.startIndex, let partition = Int32(part[part.index(after: slash)..<at]), partition >= 0,
                let offset = Int64(part[part.index(after: at)...]), offset >= 0
            else { return nil }
            offsets.append(SourceOffset(topic: String(part[..<slash]), partition: Int(partition), offset: offset))
        }
        return offsets
    }
}
