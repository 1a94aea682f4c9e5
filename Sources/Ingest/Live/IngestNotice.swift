/// What ingest has to tell; the executable logs it. The core itself logs nothing.
public enum IngestNotice: Sendable {
    case assigned(shards: [Int])
    case revoked(shards: [Int])
    /// A shard's newest events were not on the disk when it was closed; they are read from Kafka again.
    case closedBehind(shard: Int, reason: String)
    /// A shard cannot go on without a person; it is still served.
    case stopped(shard: Int, reason: String)
    /// A shard could not commit and tries again.
    case retrying(shard: Int, reason: String)
    case resumed(shard: Int)
    /// What happens with a next generation of a shard.
    case generation(shard: Int, String)
    /// A shard cannot be written for want of disk space: it is served as it is and opened again later.
    case notWritable(shard: Int, reason: String)
    /// No broker answers yet; shards of the disk are served meanwhile.
    case waitingForBrokers(reason: String, retrySeconds: Int, shardsServed: Int)
    case brokersAnswered
    /// The first mismatch of a shard: lookups will miss such customers.
    case partitionMismatch(stream: String, expected: Int, actual: Int)
    /// A dead letter could not be delivered; the event is counted all the same.
    case deadLetterFailed(topic: String, reason: String)
    case kafka(message: String, isError: Bool)
    case warning(String)
}
