internal import FeatureStore
internal import Kafka

/// Erasures before lookups: a shard that comes from an old copy does not serve whom its copy does not know to be erased.
extension IngestService {
    /// Reads the topic of erasures from where the shard is up to where it ends now. Most often that is one question to the broker.
    func confirmErasures(in shard: Shard) throws(ShardError) {
        guard store.mustConfirmErasures, let stream = definitions.erasureStream else { return }
        let partition = TopicPartition(topic: definitions.streams[stream].topic, partition: shard.number)
        // Of many shards the first waits for a broker, the others are tried again with it.
        if let unanswered, ContinuousClock.now - unanswered < .seconds(2) {
            throw .unconfirmed("a broker has not answered a moment ago", directory: shard.directory)
        }
        do {
            let marks = try consumer.queryWatermarks(partition, timeoutMilliseconds: 5_000)
            let next = shard.nextOffset(stream: stream)
            if let next, next < marks.low { throw IngestError.positionGone(partition, offset: next, oldest: marks.low) }
            guard next ?? marks.low < marks.high else { return }
            let replay = try Replay(definitions: definitions, descriptorSets: descriptorSets, notify: notify)
            _ = try replay.run([shard], until: .before([partition: marks.high]), isInterrupted: { isInterrupted })
            guard shard.nextOffset(stream: stream) ?? 0 >= marks.high || !isInterrupted else {
                throw ShardError.unconfirmed("the program ends", directory: shard.directory)
            }
        } catch let error as ShardError {
            throw error
        } catch {
            unanswered = .now
            throw .unconfirmed("\(error)", directory: shard.directory)
        }
    }
}
