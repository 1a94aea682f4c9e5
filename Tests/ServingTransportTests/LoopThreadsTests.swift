import Glibc
import NIOCore
import NIOPosix
import ServingTransport
import Testing

@Suite struct LoopThreadsTests {
    @Test func loopsRunBeforeOthersAndWhatTheyStartDoesNot() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            try await LoopThreads.raise(group)
            for loop in group.makeIterator() {
                let policies = try await loop.submit { (own: sched_getscheduler(0) & 0xff, inherited: policyOfNewThread()) }.get()
                #expect(policies.own == SCHED_RR)
                #expect(policies.inherited == SCHED_OTHER)
            }
        } catch let refusal as LoopThreads.Refusal {
            // A machine that does not let us: then the loops are as they were, and the reason says what to do.
            #expect(refusal.description.contains("LimitRTPRIO"))
            for loop in group.makeIterator() {
                #expect(try await loop.submit { sched_getscheduler(0) }.get() == SCHED_OTHER)
            }
        }
        try await group.shutdownGracefully()
    }

    @Test func loopsArePlacedOnTheirProcessorsAndNobodyElseIs() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let all = Affinity.ofThisThread
        let first = try #require(all.processors.first)
        try await LoopThreads.place(group, on: [first])
        for loop in group.makeIterator() { #expect(try await loop.submit { Affinity.ofThisThread.processors }.get() == [first]) }
        #expect(Affinity.ofThisThread == all)
        try await group.shutdownGracefully()
    }

    @Test func processorsThatAreNotThereOrAllThatThereAreAreRefused() {
        let all = Affinity.ofThisThread.processors
        let missing = #expect(throws: LoopThreads.Refusal.self) { try LoopThreads.reserve([1023]) }
        #expect(missing?.description.contains("may not run on processor 1023, only on \(all.map(String.init).joined(separator: ", "))") == true)
        let none = #expect(throws: LoopThreads.Refusal.self) { try LoopThreads.reserve(all) }
        #expect(none?.description.contains("nothing is left for ingest") == true)
        #expect(Affinity.ofThisThread.processors == all)
    }
}

private func policyOfNewThread() -> Int32 {
    var thread = pthread_t()
    guard pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: Int(sched_getscheduler(0)) + 1) }, nil) == 0 else { return -1 }
    var result: UnsafeMutableRawPointer?
    pthread_join(thread, &result)
    return Int32(Int(bitPattern: result) - 1)
}
