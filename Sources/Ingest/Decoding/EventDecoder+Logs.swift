internal import Avro
import FeatureStore
import JSONBytes

/// Records of log files, whatever format the stream has in Kafka.
extension EventDecoder {
    /// For events as JSON, also of streams that are Protobuf in Kafka: their paths are the names of the members then, and their
    /// times are RFC 3339, as Protobuf's own JSON has them.
    convenience init(json stream: StreamDefinition, index: Int32) throws(DecoderSetupError) {
        let stream = stream.asText
        let plan = try DecoderPlan(stream: stream, descriptorSet: nil)
        self.init(plan, of: stream, index: index, .json(JSONProjection(plan.root)))
    }

    /// For rows of a CSV file with these columns.
    convenience init(
        csv stream: StreamDefinition, index: Int32, columns: [String], options: LogOptions, delimiter: UInt8
    ) throws(DecoderSetupError) {
        let stream = stream.asText
        let plan = try DecoderPlan(stream: stream, descriptorSet: nil)
        let projection = try CSVProjection(plan, stream: stream.name, columns: columns, options: options, delimiter: delimiter)
        self.init(plan, of: stream, index: index, .csv(projection))
    }

    /// For records of an Avro container with this schema.
    convenience init(
        avro stream: StreamDefinition, index: Int32, schema: AvroSchema, json: [UInt8], options: LogOptions
    ) throws(DecoderSetupError) {
        let stream = stream.asText
        let plan = try DecoderPlan(stream: stream, descriptorSet: nil)
        let projection = try AvroProjection(plan, stream: stream.name, schema: schema, json: json, options: options)
        self.init(plan, of: stream, index: index, .avro(projection))
    }

    /// The first half of `decode` for a JSON object that more may follow: finds the values and returns the offset behind the object.
    /// `finish` is the second half.
    @inline(__always)
    func scan(prefixOf text: UnsafeRawBufferPointer) throws(JSONError) -> Int {
        guard case .json(let projection) = scanner else { throw JSONError(.wrongType, at: 0) }
        for n in 0..<captureCount { captures[n] = RawValue() }
        return try projection.scan(prefixOf: text, into: captures)
    }

    @inline(__always)
    func finish(_ text: UnsafeRawBufferPointer, recordTime: Int64, into batch: EventBatch) -> DecodeOutcome {
        append(text, recordTime: recordTime, to: batch)
    }

    /// Reads one record of an Avro container.
    func decode(_ record: AvroValue, recordTime: Int64 = -1, into batch: EventBatch) -> DecodeOutcome {
        guard case .avro(let projection) = scanner else { return .dropped(.malformed, DecodeFaultDetail(.notAnObject)) }
        let payload = projection.scan(record, into: captures, batch)
        return append(payload, recordTime: recordTime, to: batch)
    }
}

extension StreamDefinition {
    /// The same stream as its events are written in text.
    var asText: StreamDefinition {
        var copy = self
        copy.format = .json
        if copy.time.format == .protobufTimestamp { copy.time.format = .rfc3339 }
        return copy
    }
}
