import FeatureStore
import Ingest
import Testing

@Suite struct DecodeConfluentTests {
    /// `Purchase` is the only message of its file, `[0]`; `Everything` the second, `[1]`; its `Inner` is `[1, 0]`.
    private func decoder(_ message: String) -> EventDecoder {
        let isPurchase = message == Streams.purchaseMessage
        return Streams.decoder(StreamDefinition(
            name: "s", topic: "s", format: Streams.protobuf(message, .confluent),
            keys: [EntityKey(entity: "c", path: FieldPath(isPurchase ? "customer_id" : message.hasSuffix("Inner") ? "text" : "key"))],
            time: EventTime(path: nil, format: .kafka), fields: []))
    }
    private let header: [UInt8] = [0, 0, 0, 1, 42]

    private func outcome(_ message: String, _ bytes: [UInt8]) -> String {
        let decoded = decoder(message).decode(bytes, recordTime: 1_700_000_000_000_000)
        return decoded.fault ?? "\(decoded.event!.values)"
    }

    @Test func messageIndexes() {
        let purchase = WireWriter.message { $0.string(2, "a") }
        let other = WireWriter.message { $0.string(1, "a") }
        let event = #"[IngestTests.DecodedEvent.Value.string("a")]"#
        let unknown = "unknown: the record holds another message of its schema than the stream declares"
        #expect(outcome(Streams.purchaseMessage, header + [0] + purchase) == event)
        #expect(outcome(Streams.purchaseMessage, header + [2, 0] + purchase) == event)
        #expect(outcome(Streams.purchaseMessage, header + [2, 2] + purchase) == unknown + " (byte 6)")
        #expect(outcome(Streams.purchaseMessage, header + [4, 0, 0] + purchase) == unknown + " (byte 5)")
        #expect(outcome("millrace.tests.Everything", header + [2, 2] + other) == event)
        #expect(outcome("millrace.tests.Everything", header + [0] + other) == unknown + " (byte 5)")
        #expect(outcome("millrace.tests.Everything.Inner", header + [4, 2, 0] + other) == event)
        #expect(outcome("millrace.tests.Everything.Inner", header + [4, 2, 2] + other) == unknown + " (byte 7)")
        #expect(outcome("millrace.tests.Everything.Inner", header + [1] + other) == unknown + " (byte 5)")
    }

    @Test func headers() {
        #expect(outcome(Streams.purchaseMessage, [1, 0, 0, 0, 1, 0])
            == "unknown: the record does not begin with the zero byte of the Confluent wire format (byte 0)")
        for length in 1...5 {
            #expect(outcome(Streams.purchaseMessage, Array(header[..<length]))
                == "malformed: the record ends inside the header of the Confluent wire format (byte \(length))")
        }
        #expect(outcome(Streams.purchaseMessage, header + [0]) == "malformed: key `c` (customer_id) is required and missing (byte 0)")
        #expect(outcome(Streams.purchaseMessage, header + [UInt8](repeating: 0xff, count: 12))
            == "malformed: the record ends inside the header of the Confluent wire format (byte 5)")
    }
}
