internal import Synchronization

/// A wall clock that is set by hand; it begins at `LookupDouble.now`.
public final class TestClock: Sendable {
    private let micros = Mutex(LookupDouble.now)

    public init() {}

    public var now: Int64 { micros.withLock { $0 } }
    public func advance(_ by: Int64) { micros.withLock { $0 += by } }
}
