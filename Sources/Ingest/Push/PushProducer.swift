public import FeatureStore
internal import Kafka

/// Produces pushed values to their topics, and answers when the brokers have them.
///
/// Rows go through the decoder that ingest uses, before anything is produced: what is taken here is applied there. Thread-safe.
public final class PushProducer: Sendable {
    private let definitions: Definitions
    private let polled: PolledProducer
    private var producer: Producer { polled.producer }

    public init(_ definitions: Definitions) throws {
        self.definitions = definitions
        polled = try PolledProducer(reporting: definitions.kafka, thread: "push")
    }

    /// Starts the thread that hears of deliveries.
    public func start() { polled.start() }

    /// Waits for what is under way, then disconnects.
    public func stop() { polled.stop(flushMilliseconds: PolledProducer.deliveryMilliseconds) }

    /// How many partitions a topic has. Blocks until a broker answers.
    public func partitionCount(_ topic: String) throws -> Int { try polled.partitionCount(topic) }

    /// Produces `rows` to the topic of stream `index`, in which there are `partitions`; those without a time get `now` (µs since the epoch).
    ///
    /// - Returns: the newest record of each partition, once all are acknowledged by all replicas.
    public func push(_ rows: [PushRow], stream index: Int, partitions: Int, now: Int64) async throws(PushError) -> [SourceOffset] {
        let delivery = try produce(rows, index, partitions, now)
        do throws(KafkaError) {
            try await delivery.wait()
        } catch {
            throw .delivery("\(error)")
        }
        return Self.offsets(of: delivery)
    }

    private func produce(_ rows: [PushRow], _ index: Int, _ partitions: Int, _ now: Int64) throws(PushError) -> Delivery {
        let batch = EventBatch(eventCapacity: rows.count)
        let delivery = Delivery()
        try decode(rows, index, now, into: batch)
        do throws(KafkaError) {
            try produce(batch, stream: index, partitions: partitions, delivery)
        } catch {
            throw .delivery("\(error)")
        }
        return delivery
    }

    private func decode(_ rows: [PushRow], _ index: Int, _ now: Int64, into batch: EventBatch) throws(PushError) {
        let stream = definitions.streams[index]
        var untimed = stream
        untimed.time = EventTime(path: nil, format: .kafka)
        let decoders: (timed: EventDecoder, untimed: EventDecoder)
        do throws(DecoderSetupError) {
            decoders = (
                try EventDecoder(stream: stream, index: Int32(index), descriptorSet: nil),
                try EventDecoder(stream: untimed, index: Int32(index), descriptorSet: nil))
        } catch {
            throw .row(0, "\(error)")
        }
        for (number, row) in rows.enumerated() {
            let decoder = row.hasTime ? decoders.timed : decoders.untimed
            let outcome = row.json.withUnsafeBytes { bytes in
                // Strings point into the record, which lies where it is as long as the batch.
                let room = batch.store(byteCount: bytes.count)
                room.copyMemory(from: bytes)
                return decoder.decode(UnsafeRawBufferPointer(room), recordTime: now, into: batch)
            }
            if case .dropped(let reason, let detail) = outcome { throw .row(number, decoder.fault(reason, detail).what) }
            let time = batch.events[batch.eventCount - 1].time
            if time > now + stream.maxClockSkew {
                throw .row(number, "its time is further in the future than max_clock_skew allows, so it would be dropped")
            }
        }
    }

    /// Produces the events of a batch, all of stream `index`, and reports their deliveries to `delivery`. Events later than `latest` are
    /// left out.
    ///
    /// - Returns: how many were left out.
    @discardableResult
    func produce(
        _ batch: EventBatch, stream index: Int, partitions: Int, notAfter latest: Int64 = .max, _ delivery: Delivery
    ) throws(KafkaError) -> Int {
        let stream = definitions.streams[index]
        var record = PushRecord(stream)
        var leftOut = 0
        for n in 0..<batch.eventCount {
            let event = batch.events[n]
            if event.time > latest {
                leftOut += 1
                continue
            }
            var failure: KafkaError?
            record.write(time: event.time, batch.values + Int(event.firstValue)) { key, value in
                do throws(KafkaError) {
                    try producer.produce(
                        topic: stream.topic, partition: stream.partitioner.partition(of: key, count: partitions), key: key,
                        value: value, delivery: delivery)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
        return leftOut
    }

    /// Waits until all that was produced is acknowledged or has failed. Returns how many records are neither.
    func flush() -> Int { producer.flush(timeoutMilliseconds: 4 * PolledProducer.deliveryMilliseconds) }

    static func offsets(of delivery: Delivery) -> [SourceOffset] {
        delivery.offsets.sorted { $0.key < $1.key }.map { place, offset in
            SourceOffset(topic: place.topic, partition: place.partition, offset: offset)
        }
    }
}
