// Unoptimised code allocates what the optimiser removes, so the claim is about release: `swift test -c release --filter DecodeAllocation`.
#if os(Linux) && !DEBUG
import AllocationCounter
import FeatureStore
import Ingest
import TestSupport
import Testing

@Suite struct DecodeAllocationTests {
    @Test(arguments: [false, true]) func theSteadyStateAllocatesNothing(isJSON: Bool) {
        var random = SeededGenerator(seed: 6)
        let clicks = (0..<100).map { _ in SampleClick(&random) }
        let batch = EventBatch()
        let payloads = clicks.map { isJSON ? $0.json(&random) : $0.protobuf(&random) }
        let broken = payloads.map { Array($0.dropLast(5)) }
        let decoder = Streams.decoder(Streams.click(isJSON ? .json : Streams.protobuf(Streams.clickMessage)))
        func round(_ records: [[UInt8]]) -> Int {
            batch.reset()
            let before = allocation_count()
            for n in records.indices {
                _ = records[n].withUnsafeBytes { decoder.decode($0, recordTime: -1, into: batch) }
            }
            return allocation_count() - before
        }
        _ = round(payloads)
        #expect(round(payloads) == 0)
        // A broken one is an error that is thrown, and that takes a box.
        #expect(round(broken) <= 2 * broken.count)
    }

    @Test func theCounterSeesAnObjectThatIsFreedAtOnce() {
        let before = allocation_count()
        withExtendedLifetime(EventBatch(eventCapacity: 1)) {}
        #expect(allocation_count() > before)
    }
}
#endif
