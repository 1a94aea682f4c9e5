import FeatureStore
import Glibc
import Ingest
import Synchronization
import Testing

/// Counts the objects that Swift allocates on this thread, by the hook that the runtime has for tools (`_swift_allocObject`,
/// SwiftShims/HeapObject.h). Memory taken without an object (`UnsafeMutablePointer.allocate`) does not show.
private enum Allocations {
    typealias Function = @convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer?
    static let thread = Atomic<UInt>(0)
    static let count = Atomic<Int>(0)
    nonisolated(unsafe) static var original: Function?

    /// Nil when the runtime has no such hook.
    static func during(_ body: () -> Void) -> Int? {
        guard let hook = dlsym(nil, "_swift_allocObject")?.assumingMemoryBound(to: Function.self) else { return nil }
        original = hook.pointee
        count.store(0, ordering: .relaxed)
        thread.store(pthread_self(), ordering: .relaxed)
        hook.pointee = { metadata, size, alignment in
            if Allocations.thread.load(ordering: .relaxed) == pthread_self() { Allocations.count.add(1, ordering: .relaxed) }
            return Allocations.original!(metadata, size, alignment)
        }
        body()
        hook.pointee = original!
        return count.load(ordering: .relaxed)
    }
}

@Suite struct DecodeAllocationTests {
    @Test func theSteadyStateAllocatesNothing() throws {
        var random = SplitMix(6)
        let clicks = (0..<100).map { _ in SampleClick(&random) }
        let batch = EventBatch()
        for (format, isJSON) in [(EventFormat.json, true), (Streams.protobuf(Streams.clickMessage), false)] {
            let payloads = clicks.map { isJSON ? $0.json(&random) : $0.protobuf(&random) }
            let broken = payloads.map { Array($0.dropLast(5)) }
            let decoder = Streams.decoder(Streams.click(format))
            func round() {
                batch.reset()
                for n in payloads.indices {
                    _ = payloads[n].withUnsafeBytes { decoder.decode($0, recordTime: -1, into: batch) }
                    _ = broken[n].withUnsafeBytes { decoder.decode($0, recordTime: -1, into: batch) }
                }
            }
            round()
            let count = try #require(Allocations.during(round))
            #expect(count == 0)
        }
        // The counter counts.
        #expect(Allocations.during { withExtendedLifetime(EventBatch()) {} } ?? 0 > 0)
    }
}
