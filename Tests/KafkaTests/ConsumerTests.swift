import Foundation
import Kafka
import Synchronization
import Testing

/// Against librdkafka's mock cluster; a first join takes about 3 seconds there.
struct ConsumerTests {
    let cluster: MockCluster
    let producer: Producer

    init() throws {
        cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 4)
        try cluster.createTopic("purchases", partitions: 4)
        producer = try Producer(configuration: ["bootstrap.servers": cluster.bootstrapServers])
    }

    private func send(_ range: Range<Int>, topic: String = "clicks", partition: Int) throws {
        for index in range { try producer.send(topic, partition: partition, key: "k\(index)", "v\(index)") }
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        #expect(producer.deliveryFailures == 0)
    }

    @Test func recordsOfAllPartitionsArriveInTheirOrder() throws {
        for partition in 0..<4 {
            try send(0..<100, partition: partition)
            try send(0..<50, topic: "purchases", partition: partition)
        }
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["purchases", "clicks"])
        #expect(try consumer.poll(max: 64) { $0.records.count >= 600 })
        #expect(consumer.records.count == 600)
        for (topic, count) in [("clicks", 100), ("purchases", 50)] {
            for partition in 0..<4 {
                let own = consumer.records.filter { $0.topic == topic && $0.partition == partition }
                #expect(own.map(\.offset) == Array(0..<Int64(count)))
                #expect(own.map(\.value) == (0..<count).map { "v\($0)" })
            }
        }
        #expect(consumer.errors == [])
        #expect(consumer.consumer.cachedWatermarks(.init(topic: "clicks", partition: 1))?.high == 100)
        #expect(try consumer.consumer.queryWatermarks(.init(topic: "clicks", partition: 1)) == (0, 100))
        #expect(try consumer.consumer.partitionCounts(["clicks", "absent"]) == ["clicks": 4])
    }

    @Test func consumptionStartsWhereOnAssignSays() throws {
        for partition in 0..<3 { try send(0..<10, partition: partition) }
        let starts: [TopicPartition: StartPosition] = [
            .init(topic: "clicks", partition: 0): .offset(7), .init(topic: "clicks", partition: 1): .end,
            .init(topic: "clicks", partition: 2): .beginning,
        ]
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"], starts: starts)
        #expect(try consumer.poll { $0.records.count >= 13 })
        try send(10..<11, partition: 1)
        #expect(try consumer.poll { $0.records.count >= 14 })
        func offsets(_ partition: Int) -> [Int64] { consumer.records.filter { $0.partition == partition }.map(\.offset) }
        #expect(offsets(0) == [7, 8, 9])
        #expect(offsets(1) == [10])
        #expect(offsets(2) == Array(0..<10))
    }

    @Test func afterASeekNothingOfBeforeIsDelivered() throws {
        try send(0..<500, partition: 0)
        try send(0..<500, partition: 1)
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"])
        // Most of both partitions is fetched and not delivered yet.
        #expect(try consumer.poll(max: 20) { $0.records.contains { $0.partition == 0 } && $0.records.contains { $0.partition == 1 } })
        let before = consumer.records.count
        #expect(before < 900)
        let moved = TopicPartition(topic: "clicks", partition: 0)
        try consumer.consumer.pause([moved])
        try consumer.consumer.resume([moved])
        try consumer.consumer.seek([moved: .offset(490)])
        #expect(try consumer.poll(max: 20) { log in
            log.records.dropFirst(before).contains { $0.partition == 0 && $0.offset == 499 }
                && log.records.contains { $0.partition == 1 && $0.offset == 499 }
        })
        #expect(consumer.records.dropFirst(before).filter { $0.partition == 0 }.map(\.offset) == Array(490..<500))
        #expect(consumer.records.filter { $0.partition == 1 }.map(\.offset) == Array(0..<500))
        try consumer.consumer.seek([moved: .beginning])
        let second = consumer.records.count
        #expect(try consumer.poll { $0.records.count >= second + 500 })
        #expect(consumer.records.dropFirst(second).map(\.offset) == Array(0..<500))
        #expect(throws: KafkaError.self) { try consumer.consumer.seek([.init(topic: "absent", partition: 0): .beginning]) }
    }

    @Test func aStartThatTheLogDoesNotHoldIsReportedAndNothingIsSkipped() throws {
        try send(0..<10, partition: 0)
        let partition = TopicPartition(topic: "clicks", partition: 0)
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"], starts: [partition: .offset(1000)])
        #expect(try consumer.poll { !$0.errors.isEmpty })
        #expect(consumer.errors.first?.isOffsetOutOfRange == true)
        #expect(consumer.errors.first?.topicPartition == partition)
        #expect(consumer.errors.first.map { "\($0)".contains("clicks[0]") && "\($0)".contains("retention") } == true)
        #expect(consumer.records == [])
    }

    @Test func committedPositionsAreSeenByTheGroupAndAreItsStart() throws {
        try send(0..<10, partition: 0)
        let partition = TopicPartition(topic: "clicks", partition: 0)
        do {
            let consumer = try TestConsumer(cluster.bootstrapServers, group: "g", topics: ["clicks"])
            #expect(try consumer.poll { $0.records.count >= 10 })
            #expect(try consumer.consumer.committed([partition]) == [:])
            try consumer.consumer.commit([partition: 4], asynchronously: false)
            #expect(try consumer.consumer.committed([partition]) == [partition: 4])
            try consumer.consumer.commit([partition: 6], asynchronously: true)
            try consumer.poll(seconds: 5) { _ in (try? consumer.consumer.committed([partition])) == [partition: 6] }
            #expect(try consumer.consumer.committed([partition]) == [partition: 6])
            consumer.consumer.close()
        }
        let next = try TestConsumer(cluster.bootstrapServers, group: "g", topics: ["clicks"], otherwise: nil)
        #expect(try next.poll { $0.records.count >= 4 })
        #expect(next.records.map(\.offset) == [6, 7, 8, 9])
    }

    @Test func aRevocationComesAfterTheRecordsAndBeforeTheNextAssignment() throws {
        for partition in 0..<4 { try send(0..<10, partition: partition) }
        let first = try TestConsumer(cluster.bootstrapServers, group: "g", topics: ["clicks", "purchases"])
        #expect(try first.poll { $0.records.count >= 40 })
        #expect(first.events == ["assign 8", "records"])
        let second = try TestConsumer(cluster.bootstrapServers, group: "g", topics: ["clicks", "purchases"])
        let stop = Atomic(false), group = DispatchGroup()
        group.enter()
        Thread.detachNewThread {
            while !stop.load(ordering: .relaxed) { _ = try? second.poll(seconds: 0.1) { _ in false } }
            second.consumer.close()
            group.leave()
        }
        #expect(try first.poll(seconds: 30) { $0.events.count >= 4 })
        #expect(first.events.prefix(4) == ["assign 8", "records", "revoke 8", "assign 4"])
        // The range assignor keeps equal partition numbers of both topics together.
        let clicks = first.assigned.filter { $0.topic == "clicks" }.map(\.partition).sorted()
        let purchases = first.assigned.filter { $0.topic == "purchases" }.map(\.partition).sorted()
        #expect(clicks == purchases && clicks.count == 2)
        stop.store(true, ordering: .relaxed)
        first.consumer.close()
        #expect(first.events.last == "revoke 4")
        group.wait()
        #expect(second.events.filter { $0.hasPrefix("revoke") }.count == second.events.filter { $0.hasPrefix("assign") }.count)
    }

    @Test func aRefusedAssignmentIsThrownByPollAndReported() throws {
        try send(0..<10, partition: 0)
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"], refuse: true)
        #expect(throws: TestConsumer.Refused.self) { try consumer.poll { _ in false } }
        #expect(consumer.errors.count == 1)
        try consumer.poll(forSeconds: 1)
        #expect(consumer.records == [])
        consumer.consumer.close()
    }

    /// At the end of a partition too: there the next record is easily lost.
    @Test(arguments: [false, true])
    func pauseHoldsRecordsBackAndResumeLosesNone(partitionEnds: Bool) throws {
        try send(0..<10, partition: 0)
        let partition = TopicPartition(topic: "clicks", partition: 0)
        let consumer = try TestConsumer(
            cluster.bootstrapServers, topics: ["clicks"], extra: ["enable.partition.eof": "\(partitionEnds)"])
        #expect(try consumer.poll { $0.records.count >= 10 })
        try consumer.poll(forSeconds: 0.5)
        if partitionEnds {
            #expect(consumer.errors.contains { $0.isPartitionEnd && $0.topicPartition == partition && $0.offset == 10 })
        }
        try consumer.consumer.pause([partition])
        try send(10..<20, partition: 0)
        try send(0..<5, partition: 1)
        try consumer.poll(forSeconds: 1)
        #expect(consumer.records.count == 15)
        #expect(!consumer.records.contains { $0.partition == 0 && $0.offset >= 10 })
        try consumer.consumer.resume([partition])
        #expect(try consumer.poll { $0.records.count >= 25 })
        #expect(consumer.records.filter { $0.partition == 0 }.map(\.offset) == Array(0..<20))
    }

    @Test func aPauseInTheMiddleOfABacklogLosesNothing() throws {
        try send(0..<5000, partition: 0)
        let partition = TopicPartition(topic: "clicks", partition: 0)
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"])
        #expect(try consumer.poll(max: 7) { $0.records.count >= 70 })
        for round in 2...20 {
            try consumer.consumer.pause([partition])
            try consumer.poll(forSeconds: 0.02)
            try consumer.consumer.resume([partition])
            #expect(try consumer.poll(max: 7) { $0.records.count >= round * 70 })
        }
        #expect(try consumer.poll { $0.records.count >= 5000 })
        #expect(consumer.records.map(\.offset) == Array(0..<5000))
    }

    @Test func keysValuesHeadersAndTimestampsAreAsProduced() throws {
        try producer.send("clicks", partition: 0, key: nil, "no key", timestampMilliseconds: 1_700_000_000_123)
        try producer.send("clicks", partition: 0, key: "", "")
        try producer.send(
            "clicks", partition: 0, key: "tombstone", nil,
            headers: [("reason", Array("late".utf8)), ("reason", []), ("x", [0, 255])])
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        let reader = try Consumer(
            configuration: ["bootstrap.servers": cluster.bootstrapServers],
            assigning: [.init(topic: "clicks", partition: 0): .beginning], onError: { Issue.record("\($0)") })
        var seen = 0
        let deadline = Date().addingTimeInterval(10)
        while seen < 3, Date() < deadline {
            try reader.poll(max: 10, timeoutMilliseconds: 100) { record in
                defer { record.destroy() }
                seen += 1
                #expect(reader.topics[record.topicOrdinal] == "clicks")
                switch record.offset {
                case 0:
                    #expect(record.key == nil)
                    #expect(record.value?.count == 6)
                    #expect(record.timestampMicros == 1_700_000_000_123_000)
                    #expect(record.headers.isEmpty)
                case 1:
                    #expect(record.key?.count == 0)
                    #expect(record.value?.count == 0)
                default:
                    #expect(record.value == nil)
                    #expect(record.headers.map(\.name) == ["reason", "reason", "x"])
                    #expect(record.headers.map(\.value) == [Array("late".utf8), [], [0, 255]])
                }
            }
        }
        #expect(seen == 3)
    }

    @Test func pollReturnsAsSoonAsThereIsARecord() throws {
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"], otherwise: .end)
        #expect(try consumer.poll { !$0.assigned.isEmpty })
        try consumer.poll(forSeconds: 1)
        try send(0..<1, partition: 0)
        let clock = ContinuousClock()
        let elapsed = try clock.measure {
            try consumer.consumer.poll(max: 1000, timeoutMilliseconds: 10_000) { $0.destroy() }
        }
        #expect(elapsed < .seconds(5))
    }

    @Test func aSlowApplicationIsToldAndRejoins() throws {
        let consumer = try TestConsumer(
            cluster.bootstrapServers, topics: ["clicks"], extra: ["max.poll.interval.ms": "6000"])
        #expect(try consumer.poll { !$0.assigned.isEmpty })
        Thread.sleep(forTimeInterval: 8)
        #expect(try consumer.poll { log in log.errors.contains { $0.name == "_MAX_POLL_EXCEEDED" } })
        #expect(try consumer.poll(seconds: 30) { $0.events.filter { $0.hasPrefix("assign") }.count == 2 })
        #expect(consumer.events == ["assign 4", "revoke 4", "assign 4"])
    }

    @Test func aBrokerThatIsDownIsReportedWithARemedyAndComesBack() throws {
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"])
        #expect(try consumer.poll { !$0.assigned.isEmpty })
        cluster.setBrokersUp(false)
        #expect(try consumer.poll { !$0.errors.isEmpty })
        #expect(consumer.errors.first.map { "\($0)".contains("bootstrap.servers") } == true)
        cluster.setBrokersUp(true)
        try send(0..<10, partition: 0)
        #expect(try consumer.poll(seconds: 30) { $0.records.count >= 10 })
    }

    @Test func aClosedConsumerRefuses() throws {
        let consumer = try TestConsumer(cluster.bootstrapServers, topics: ["clicks"])
        consumer.consumer.close()
        consumer.consumer.close()
        #expect(throws: KafkaError.self) { try consumer.poll { _ in false } }
        #expect(throws: KafkaError.self) {
            try consumer.consumer.commit([.init(topic: "clicks", partition: 0): 1], asynchronously: true)
        }
        #expect(consumer.consumer.cachedWatermarks(.init(topic: "clicks", partition: 0)) == nil)
    }
}
