internal import Synchronization

/// What the process keeps for clients that are not done: bodies that are not complete, answers that are not read. Each connection has a bound of its own,
/// but ten thousand of them together would be more than the machine has; so there is one for all.
package final class HeldBytes: Sendable {
    private let bytes = Atomic(0)
    package let limit: Int

    package init(limit: Int) { self.limit = limit }

    package var value: Int { bytes.load(ordering: .relaxed) }

    /// Counts so many bytes more (or fewer). False: that is past the bound; they are counted all the same, and whoever holds them is to let go.
    package func add(_ change: Int) -> Bool {
        bytes.wrappingAdd(change, ordering: .relaxed).newValue <= limit || change <= 0
    }
}

/// What one connection keeps of it.
package struct HeldPart {
    private let all: HeldBytes
    private var counted = 0

    package init(of all: HeldBytes) { self.all = all }

    /// It is so many bytes from now on. False: the process keeps too much.
    @discardableResult
    package mutating func set(_ kept: Int) -> Bool {
        if kept == counted { return true }
        defer { counted = kept }
        return all.add(kept - counted)
    }
}
