/// Events that are going to be sent once more, oldest first. Its slots are reused; never more than `capacity` wait.
struct DuplicateQueue {
    private var slots: [GeneratedEvent]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) { slots = (0..<capacity).map { _ in GeneratedEvent() } }

    var isFull: Bool { count == slots.count }

    /// The queue must not be full.
    mutating func append(_ event: GeneratedEvent) {
        slots[(first + count) % slots.count].copy(event)
        count += 1
    }

    /// The queue must not be empty.
    mutating func removeFirst(into event: inout GeneratedEvent) {
        event.copy(slots[first])
        first = (first + 1) % slots.count
        count -= 1
    }
}
