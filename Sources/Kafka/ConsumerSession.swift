internal import CRdKafka

/// What librdkafka's callbacks of one consumer may touch: the handlers and the rebalance that waits to be served.
///
/// It is an object of its own so that the callbacks never hold the consumer, whose `deinit` still serves them.
final class ConsumerSession: @unchecked Sendable {
    /// A rebalance that librdkafka has announced; it waits for our `assign` before it goes on.
    enum Rebalance {
        case assign([TopicPartition])
        case revoke([TopicPartition])
        case failed(KafkaError)
    }

    let onAssign: @Sendable ([TopicPartition]) throws -> [TopicPartition: StartPosition]
    let onRevoke: @Sendable ([TopicPartition]) -> Void
    let onError: @Sendable (KafkaError) -> Void
    let log: LogHandler?
    let redactor: Redactor

    // Touched only by the thread that polls or closes.
    var pending: Rebalance?
    var isClosing = false
    var queue: OpaquePointer?
    /// Whether partitions are assigned, so that each assignment is followed by exactly one revocation.
    var assigned: [TopicPartition] = []

    init(
        onAssign: @escaping @Sendable ([TopicPartition]) throws -> [TopicPartition: StartPosition],
        onRevoke: @escaping @Sendable ([TopicPartition]) -> Void, onError: @escaping @Sendable (KafkaError) -> Void,
        log: LogHandler?, redactor: Redactor
    ) {
        (self.onAssign, self.onRevoke, self.onError) = (onAssign, onRevoke, onError)
        (self.log, self.redactor) = (log, redactor)
    }

    func report(_ error: KafkaError) {
        var error = error
        error.message = redactor.redact(error.message)
        onError(error)
    }

    /// Serves the announced rebalance: tells the application, then librdkafka.
    func serveRebalance(_ client: OpaquePointer) throws {
        guard let rebalance = pending else { return }
        pending = nil
        switch rebalance {
        case .assign(let partitions): try assign(partitions, client)
        case .revoke(let partitions): revoke(partitions, client)
        case .failed(let error):
            report(error)
            revoke(assigned, client)
        }
    }

    /// Turns a waiting assignment into a release, when it comes too late to be used.
    func declineAssignment() {
        if case .assign = pending { pending = .revoke([]) }
    }

    private func assign(_ partitions: [TopicPartition], _ client: OpaquePointer) throws {
        do {
            let starts = try onAssign(partitions)
            // A partition without a start stays ours and is not read.
            let offsets = partitions.compactMap { partition in
                starts[partition].map { (key: partition, value: $0.librdkafkaOffset) }
            }
            let list = try TopicPartitionList(offsets)
            if isCooperative(client) {
                if let error = rd_kafka_incremental_assign(client, list.handle) {
                    throw KafkaError(consuming: error, "assigning \(partitions.count) partitions")
                }
            } else {
                try check(rd_kafka_assign(client, list.handle), "assigning \(partitions.count) partitions")
            }
            assigned += partitions
        } catch {
            // librdkafka waits for an answer: nothing is consumed.
            if isCooperative(client) {
                let nothing = TopicPartitionList(capacity: 0)
                if let error = rd_kafka_incremental_assign(client, nothing.handle) {
                    rd_kafka_error_destroy(error)
                }
            } else {
                rd_kafka_assign(client, nil)
            }
            report(error as? KafkaError
                ?? KafkaError(RD_KAFKA_RESP_ERR__APPLICATION, "starting \(partitions.count) partitions: \(error)"))
            throw error
        }
    }

    private func revoke(_ partitions: [TopicPartition], _ client: OpaquePointer) {
        let lost = Set(partitions)
        let known = assigned.filter(lost.contains)
        if !known.isEmpty { onRevoke(known) }
        assigned.removeAll(where: lost.contains)
        if isCooperative(client) {
            if let list = try? TopicPartitionList(partitions), let error = rd_kafka_incremental_unassign(client, list.handle) {
                report(KafkaError(consuming: error, "releasing \(partitions.count) partitions"))
            }
        } else {
            rd_kafka_assign(client, nil)
        }
    }

    private func isCooperative(_ client: OpaquePointer) -> Bool {
        rd_kafka_rebalance_protocol(client).map { String(cString: $0) } == "COOPERATIVE"
    }

    // MARK: librdkafka's callbacks

    /// Sets the callbacks; each finds its session through the opaque pointer.
    static func install(on configuration: OpaquePointer) {
        rd_kafka_conf_set_rebalance_cb(configuration) { client, code, partitions, opaque in
            guard let client, let partitions, let session = ConsumerSession.of(opaque) else { return }
            session.announce(code, entries(of: partitions).map { TopicPartition($0) }, client)
        }
        rd_kafka_conf_set_offset_commit_cb(configuration) { _, code, offsets, opaque in
            // _NO_OFFSET: there was nothing to commit.
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET,
                  let session = ConsumerSession.of(opaque) else { return }
            let first = offsets.flatMap { list in entries(of: list).first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR } }
            session.report(KafkaError(code, at: first.map { TopicPartition($0) }, offset: first?.offset))
        }
        rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
            guard let session = ConsumerSession.of(opaque) else { return }
            session.report(clientError(client, code, reason))
        }
        rd_kafka_conf_set_log_cb(configuration) { client, level, facility, message in
            guard let client, let session = ConsumerSession.of(rd_kafka_opaque(client)), let log = session.log,
                  let facility, let message else { return }
            log(Int(level), String(cString: facility), session.redactor.redact(String(cString: message)))
        }
    }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> ConsumerSession? {
        opaque.map { Unmanaged<ConsumerSession>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Notes the rebalance and ends the running poll. It is served after the poll's records were handed over, because until
    /// `assign` is called these partitions are still ours; serving it here would deliver records of partitions already given up.
    private func announce(_ code: rd_kafka_resp_err_t, _ partitions: [TopicPartition], _ client: OpaquePointer) {
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS: pending = .assign(partitions)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: pending = .revoke(partitions)
        default: pending = .failed(KafkaError(code, "rebalancing the group failed"))
        }
        if isClosing {
            // rd_kafka_consumer_close waits for the answer inside this callback. A late assignment is declined.
            declineAssignment()
            try? serveRebalance(client)
        } else if let queue {
            rd_kafka_queue_yield(queue)
        }
    }
}

/// The error of librdkafka's error callback; a fatal one stands behind `_FATAL`.
func clientError(_ client: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?) -> KafkaError {
    let message = reason.map { String(cString: $0) }
    guard code == RD_KAFKA_RESP_ERR__FATAL.rawValue, let client else {
        return KafkaError(rd_kafka_resp_err_t(rawValue: code), message)
    }
    var text = [CChar](repeating: 0, count: 512)
    let original = rd_kafka_fatal_error(client, &text, text.count)
    return KafkaError(original, string(of: text), isFatal: true, isRetriable: false)
}
