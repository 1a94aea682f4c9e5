internal import FeatureStore
internal import Foundation
internal import Generator
internal import Kafka

/// Where generated events go.
protocol EventSink {
    func send(_ event: GeneratedEvent, topic: String) throws
    /// Nothing to send for a while.
    func idle()
    /// Waits until everything has arrived.
    func finish() throws
}

/// To the brokers of the definitions file, with the partitioner of Java clients.
final class KafkaSink: EventSink {
    private let producer: Producer

    init(_ definitions: Definitions) throws {
        var configuration: [String: String] = [:]
        // Connection and security settings hold for producers too; what only consumers know stays out.
        for (name, value) in definitions.kafka.properties
        where ["security.", "sasl.", "ssl.", "socket.", "client."].contains(where: { name.hasPrefix($0) }) {
            configuration[name] = value
        }
        configuration["bootstrap.servers"] = definitions.kafka.brokers
        configuration["partitioner"] = definitions.streams.first?.partitioner == .consistent ? "consistent" : "murmur2"
        configuration["linger.ms"] = "10"
        configuration["queue.buffering.max.messages"] = "500000"
        producer = try Producer(configuration: configuration)
    }

    func send(_ event: GeneratedEvent, topic: String) throws {
        try event.customer.withUnsafeBytes { key in
            try event.payload.withUnsafeBytes { value in
                try producer.produce(topic: topic, partition: nil, key: key, value: value)
            }
        }
    }

    func idle() { producer.poll() }

    func finish() throws {
        let waiting = producer.flush(timeoutMilliseconds: 30_000)
        if waiting > 0 || producer.deliveryFailures > 0 {
            throw SinkError(
                "\(waiting) events were not delivered within 30 s and \(producer.deliveryFailures) failed"
                    + (producer.lastError.map { ": \($0)" } ?? "") + "; check the brokers and that the topics exist")
        }
    }
}

/// One JSON object per line: topic, key and value of a record.
final class FileSink: EventSink {
    private let file: UnsafeMutablePointer<FILE>
    private let path: String

    init(path: String) throws {
        self.path = path
        guard let file = fopen(path == "-" ? "/dev/stdout" : path, "w") else {
            throw SinkError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        self.file = file
    }

    func send(_ event: GeneratedEvent, topic: String) throws {
        // Broken events need not be JSON: they are written as a string would be lost on a reader, so as they are.
        write(Array(#"{"topic":"\#(topic)","key":""#.utf8))
        write(event.customer)
        write(Array(#"","value":"#.utf8))
        write(event.payload)
        write(Array("}\n".utf8))
        if ferror(file) != 0 { throw SinkError("cannot write \(path): \(String(cString: strerror(errno)))") }
    }

    private func write(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) } }

    func idle() { fflush(file) }

    func finish() throws {
        if fflush(file) != 0 { throw SinkError("cannot write \(path): \(String(cString: strerror(errno)))") }
    }
}

struct SinkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
