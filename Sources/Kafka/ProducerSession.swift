internal import CRdKafka
internal import Synchronization

/// What librdkafka's callbacks of one producer may touch.
final class ProducerSession: Sendable {
    let failures = Atomic(0)
    let lastError = Mutex<KafkaError?>(nil)
    private let onError: @Sendable (KafkaError) -> Void
    private let log: LogHandler?
    private let redactor: Redactor

    init(onError: @escaping @Sendable (KafkaError) -> Void, log: LogHandler?, redactor: Redactor) {
        (self.onError, self.log, self.redactor) = (onError, log, redactor)
    }

    /// Sets the callbacks; each finds its session through the opaque pointer.
    static func install(on configuration: OpaquePointer) {
        rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
            guard let message, let session = ProducerSession.of(opaque) else { return }
            let delivery = message.pointee._private.map { Unmanaged<Delivery>.fromOpaque($0).takeRetainedValue() }
            let failed = message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR
            guard failed || delivery != nil else { return }
            let place = message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }.map {
                TopicPartition(topic: String(cString: $0), partition: Int(message.pointee.partition))
            }
            let error = failed ? KafkaError(message.pointee.err, at: place) : nil
            if let error {
                session.failures.add(1, ordering: .relaxed)
                session.lastError.withLock { $0 = error }
            }
            delivery?.ended(at: place, offset: message.pointee.offset, error: error)
        }
        rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
            guard let session = ProducerSession.of(opaque) else { return }
            var error = clientError(client, code, reason)
            error.message = session.redactor.redact(error.message)
            session.onError(error)
        }
        rd_kafka_conf_set_log_cb(configuration) { client, level, facility, message in
            guard let client, let session = ProducerSession.of(rd_kafka_opaque(client)), let log = session.log,
                  let facility, let message else { return }
            log(Int(level), String(cString: facility), session.redactor.redact(String(cString: message)))
        }
    }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> ProducerSession? {
        opaque.map { Unmanaged<ProducerSession>.fromOpaque($0).takeUnretainedValue() }
    }
}
