import Glibc
import NIOCore
import NIOPosix
import ServingTransport
import Testing

@Suite struct RealtimeLoopsTests {
    @Test func loopsRunBeforeOthersAndWhatTheyStartDoesNot() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            try await RealtimeLoops.raise(group)
            for loop in group.makeIterator() {
                let policies = try await loop.submit { (own: sched_getscheduler(0) & 0xff, inherited: policyOfNewThread()) }.get()
                #expect(policies.own == SCHED_RR)
                #expect(policies.inherited == SCHED_OTHER)
            }
        } catch let refusal as RealtimeLoops.Refusal {
            // A machine that does not let us: then the loops are as they were, and the reason says what to do.
            #expect(refusal.description.contains("LimitRTPRIO"))
            for loop in group.makeIterator() {
                #expect(try await loop.submit { sched_getscheduler(0) }.get() == SCHED_OTHER)
            }
        }
        try await group.shutdownGracefully()
    }
}

private func policyOfNewThread() -> Int32 {
    var thread = pthread_t()
    guard pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: Int(sched_getscheduler(0)) + 1) }, nil) == 0 else { return -1 }
    var result: UnsafeMutableRawPointer?
    pthread_join(thread, &result)
    return Int32(Int(bitPattern: result) - 1)
}
