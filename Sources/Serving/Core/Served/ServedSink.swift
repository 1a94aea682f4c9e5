/// Where copies of answers go: in production to Kafka, in tests to a list.
public struct ServedSink: Sendable {
    /// Takes a copy, at once or not at all: false when there is no room. Called on the threads that answer.
    public var take: @Sendable (_ topic: String, _ key: UnsafeRawBufferPointer, _ answer: UnsafeRawBufferPointer) -> Bool

    public init(take: @escaping @Sendable (String, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) { self.take = take }
}
