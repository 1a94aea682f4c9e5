internal import CRdKafka

/// A line of librdkafka's log.
///
/// - Parameters:
///   - level: syslog's: 0 emergency ... 3 error, 4 warning, 5 notice, 6 information, 7 debug.
///   - facility: librdkafka's tag, such as `FAIL` or `REQTMOUT`.
public typealias LogHandler = @Sendable (_ level: Int, _ facility: String, _ message: String) -> Void

/// librdkafka's configuration object under construction. `rd_kafka_new` takes it over; until then this owns it.
struct Configuration: ~Copyable {
    private let handle: OpaquePointer
    let redactor: Redactor

    /// - Parameters:
    ///   - properties: the caller's, in librdkafka's names (CONFIGURATION.md). They win over `defaults`.
    init(_ properties: [String: String], defaults: [String: String]) throws(KafkaError) {
        handle = rd_kafka_conf_new()
        redactor = Redactor(properties)
        // Sorted, so that of several faults always the same one is reported.
        for (name, value) in defaults.merging(properties, uniquingKeysWith: { _, own in own }).sorted(by: { $0.key < $1.key }) {
            var text = [CChar](repeating: 0, count: 512)
            let result = rd_kafka_conf_set(handle, name, value, &text, text.count)
            guard result == RD_KAFKA_CONF_OK else {
                throw KafkaError(
                    RD_KAFKA_RESP_ERR__INVALID_ARG, "configuration property \(name): \(redactor.redact(string(of: text)))")
            }
        }
    }

    deinit { rd_kafka_conf_destroy(handle) }

    /// Lets callbacks be set on librdkafka's object.
    borrowing func configure(_ body: (OpaquePointer) -> Void) { body(handle) }

    /// Creates the client. `opaque` is what the callbacks get.
    consuming func makeClient(_ type: rd_kafka_type_t, opaque: UnsafeMutableRawPointer) throws(KafkaError) -> OpaquePointer {
        rd_kafka_conf_set_opaque(handle, opaque)
        var text = [CChar](repeating: 0, count: 512)
        // A copy, because rd_kafka_new frees its argument only if it succeeds.
        let copy = rd_kafka_conf_dup(handle)
        guard let client = rd_kafka_new(type, copy, &text, text.count) else {
            rd_kafka_conf_destroy(copy)
            throw KafkaError(rd_kafka_last_error(), "creating the client: \(redactor.redact(string(of: text)))")
        }
        return client
    }
}

/// Takes the values of secret properties out of texts that may reach a log.
struct Redactor: Sendable {
    private let secrets: [String]

    init(_ properties: [String: String]) {
        let marks = ["password", "secret", "token", "pem", "jaas", "oauthbearer.config"]
        secrets = properties.filter { name, value in !value.isEmpty && marks.contains { name.contains($0) } }
            .values.sorted { $0.count > $1.count }
    }

    func redact(_ text: String) -> String {
        secrets.reduce(text) { text, secret in
            var result = "", rest = Substring(text)
            while let range = rest.firstRange(of: secret) {
                result += rest[..<range.lowerBound] + "***"
                rest = rest[range.upperBound...]
            }
            return result + rest
        }
    }
}

/// The text in a C buffer that ends with 0.
func string(of buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
