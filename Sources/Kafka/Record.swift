internal import CRdKafka

/// One record of a partition, in place in the memory of the fetch response: nothing is copied.
///
/// Trivial, so that a batch of them costs nothing to keep. It must be destroyed exactly once, on any thread, and before the
/// consumer is closed; its key, value and headers are gone after that. librdkafka counts undestroyed records against nothing, so
/// bound how many are kept: they hold whole fetch responses.
public struct Record: @unchecked Sendable {
    let message: UnsafeMutablePointer<rd_kafka_message_t>
    /// The index of the record's topic in the consumer's `topics`.
    public let topicOrdinal: Int

    public var partition: Int { Int(message.pointee.partition) }
    public var offset: Int64 { message.pointee.offset }

    /// The record's timestamp in microseconds since the epoch (Kafka keeps milliseconds); -1 if it has none. The producer's or the
    /// broker's, by the topic's `message.timestamp.type`.
    public var timestampMicros: Int64 {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(message, &type)
        guard type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE, milliseconds >= 0 else { return -1 }
        let (micros, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        return overflow ? -1 : micros
    }

    /// Bytes of key and value.
    public var byteCount: Int { message.pointee.key_len + message.pointee.len }

    /// `nil` if the record has no key; an empty key is an empty buffer.
    public var key: UnsafeRawBufferPointer? {
        message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
    }

    /// `nil` if the record has no value (a tombstone); an empty value is an empty buffer.
    public var value: UnsafeRawBufferPointer? {
        message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
    }

    /// The headers in order; names may repeat, a value may be `nil`. Parsed and copied on each call.
    public var headers: [(name: String, value: [UInt8]?)] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        var headers: [(name: String, value: [UInt8]?)] = []
        var name: UnsafePointer<CChar>?, value: UnsafeRawPointer?, size = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            let bytes = value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }
            headers.append((name.map { String(cString: $0) } ?? "", bytes))
        }
        return headers
    }

    /// Gives the memory back. Exactly once; the record must not be touched afterwards.
    public func destroy() { rd_kafka_message_destroy(message) }
}
