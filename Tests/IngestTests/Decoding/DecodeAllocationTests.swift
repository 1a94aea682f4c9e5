// Unoptimised code allocates what the optimiser removes, so the claim is about release: `swift test -c release --filter DecodeAllocation`.
#if arch(x86_64) && os(Linux) && !DEBUG
import FeatureStore
import Glibc
import Ingest
import Testing

/// Tells whether code allocates, with the C library's own accounts (mallinfo(3)).
///
/// On a thread that has allocated nothing before, the first `malloc` sets up the thread's cache, and what is freed stays in that cache and
/// counts as in use; so even memory that was freed at once shows. Other threads show as well: a caller takes the least of several runs.
private enum Heap {
    private final class Run {
        let body: () -> Void
        let room = UnsafeMutablePointer<Int>.allocate(capacity: 10)
        var growth = 0
        init(_ body: @escaping () -> Void) { self.body = body }
        deinit { room.deallocate() }
    }

    /// `struct mallinfo2 mallinfo2(void)`, which Swift's Glibc module lacks. x86-64 returns a large struct through a pointer that the
    /// caller passes first (System V ABI, section 3.2.3), and the C library is asked by name.
    private static let report: @convention(c) (UnsafeMutablePointer<Int>) -> UnsafeMutableRawPointer? =
        unsafeBitCast(dlsym(nil, "mallinfo2"), to: (@convention(c) (UnsafeMutablePointer<Int>) -> UnsafeMutableRawPointer?).self)

    /// Bytes in use: the field `uordblks`, the eighth of ten.
    private static func bytesInUse(_ room: UnsafeMutablePointer<Int>) -> Int {
        _ = report(room)
        return room[7]
    }

    static func growth(during body: @escaping () -> Void) -> Int {
        let run = Unmanaged.passRetained(Run(body))
        var thread = pthread_t()
        pthread_create(&thread, nil, { context in
            let run = Unmanaged<Run>.fromOpaque(context!).takeUnretainedValue()
            let before = Heap.bytesInUse(run.room)
            run.body()
            run.growth = Heap.bytesInUse(run.room) - before
            return nil
        }, run.toOpaque())
        pthread_join(thread, nil)
        return run.takeRetainedValue().growth
    }
}

@Suite struct DecodeAllocationTests {
    /// In a process of its own: the C library's accounts include every thread's.
    @Test func theSteadyStateAllocatesNothing() async {
        await #expect(processExitsWith: .success) { DecodeAllocationTests.checkSteadyState() }
    }

    private static func checkSteadyState() {
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
            precondition((0..<200).contains { _ in Heap.growth(during: round) == 0 })
        }
        // The measure sees a single object that is freed at once.
        precondition(!(0..<20).contains { _ in Heap.growth { withExtendedLifetime(EventBatch(eventCapacity: 1)) {} } == 0 })
    }
}
#endif
