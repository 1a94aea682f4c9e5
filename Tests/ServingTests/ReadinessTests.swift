import FeatureStore
import JSONBytes
import Serving
import TestSupport
import Testing

@Suite struct ReadinessTests {
    @Test func isReadyWithinTheStatedLag() {
        let readiness = LookupDouble().service.readiness()
        #expect(readiness.isReady)
        #expect(readiness.json().text == #"{"ready":true,"missing":[]}"#)
    }

    @Test func isNotReadyBeforeTheAssignment() {
        let double = LookupDouble()
        double.state.withLock { $0.assigned = false }
        #expect(!double.service.readiness().isReady)
    }

    @Test func namesEachShardThatIsStoppedBehindOrUnknown() {
        let double = LookupDouble()
        double.state.withLock {
            var stopped = LookupDouble.openShard
            stopped.shard = 1
            stopped.state = .stopped
            stopped.reason = "offset 5 is gone"
            var behind = LookupDouble.openShard
            behind.shard = 2
            behind.lagEvents = 11
            var unknown = LookupDouble.openShard
            unknown.shard = 3
            unknown.lagEvents = nil
            $0.statuses += [stopped, behind, unknown]
        }
        #expect(
            double.service.readiness().missing == [
                "Shard 1 is stopped: offset 5 is gone.",
                "Shard 2 is 11 events behind; ready at 10 (server.ready_lag).",
                "Shard 3 does not know its lag yet: nothing has been fetched.",
            ])
    }
}
