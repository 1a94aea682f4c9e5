import FeatureStore
import Ingest
import Testing

/// What `check` says of a stream that cannot be decoded.
@Suite struct DecoderSetupTests {
    private func error(_ change: (inout StreamDefinition) -> Void, set: [UInt8]? = Corpus.descriptors) -> String {
        var stream = Streams.click(Streams.protobuf(Streams.clickMessage))
        change(&stream)
        do throws(DecoderSetupError) {
            _ = try EventDecoder(stream: stream, index: 0, descriptorSet: set)
            return ""
        } catch {
            return "\(error)"
        }
    }
    private func error(field path: String, _ type: FieldType, message: String = "millrace.tests.Everything") -> String {
        error {
            $0.format = Streams.protobuf(message)
            $0.keys = [EntityKey(entity: "customer", path: FieldPath("key"))]
            $0.time = EventTime(path: nil, format: .kafka)
            $0.idPath = nil
            $0.fields = [FieldDefinition(name: "f", path: FieldPath(path), type: type)]
        }
    }

    @Test func descriptorSets() {
        #expect(error({ _ in }, set: nil) == "stream `clicks`: it is Protobuf and no descriptor set was given; "
            + "set `descriptor_set` to a file made with `protoc --include_imports --descriptor_set_out=FILE`")
        #expect(error({ _ in }, set: [0xff]) == "stream `clicks`: the descriptor set cannot be read; "
            + "make it with `protoc --include_imports --descriptor_set_out=FILE`")
        #expect(error { $0.format = Streams.protobuf("millrace.events.v1.Klick") }
            == "stream `clicks`: the descriptor set has no message `millrace.events.v1.Klick`; did you mean `millrace.events.v1.Click`?")
    }

    @Test(arguments: [
        ("inner.txet", .string, "the message `millrace.tests.Everything.Inner` has no field `txet`; did you mean `text`?"),
        ("list", .string, "`list` of `millrace.tests.Everything` is repeated (or a map), and an event has one value a field; name a singular field, declare a repeated number as a vector, or let the producer flatten it"),
        ("map.key", .string, "`map` of `millrace.tests.Everything` is repeated (or a map), and an event has one value a field; name a singular field, declare a repeated number as a vector, or let the producer flatten it"),
        ("inner", .string, "its type in the schema is millrace.tests.Everything.Inner; let the path go on to one of its fields"),
        ("string.x", .string, "`string` is not a message, so it has no `x`; end the path at `string`"),
        ("double", .int64, "its type in the schema is double; declare the field as decimal"),
        ("int32", .string, "its type in the schema is int32; declare the field as int64 or decimal"),
        ("bool", .int64, "its type in the schema is bool; declare the field as bool"),
        ("color", .int64, "its type in the schema is millrace.tests.Color; declare the field as string"),
        ("inner..text", .string, "the path has an empty name; write it as in `product.category`"),
        ("string", .decimal(scale: 10), "the decimal's scale is 10; choose 0 to 9"),
    ] as [(String, FieldType, String)])
    func paths(_ path: String, _ type: FieldType, _ text: String) {
        #expect(error(field: path, type) == "stream `clicks`, field `\(path)`: field `f`: \(text)")
    }

    @Test func groups() {
        #expect(error(field: "old.text", .string, message: "millrace.tests.Presence")
            == "stream `clicks`, field `old.text`: field `f`: `old` of `millrace.tests.Presence` is a group (or has delimited encoding); "
            + "declare it as a message with length-prefixed encoding")
    }

    @Test func keysAndTimes() {
        #expect(error { $0.keys = [] } == "stream `clicks`: it has no key; name the field that says whom an event is about")
        #expect(error { $0.keys[0].path = FieldPath("product") }
            == "stream `clicks`, field `product`: key `customer`: its type in the schema is millrace.events.v1.Product; let the path go on to one of its fields")
        #expect(error { $0.time.format = .epochSeconds }
            == "stream `clicks`, field `event_time`: time: its type in the schema is google.protobuf.Timestamp; use the time format protobuf_timestamp")
        #expect(error { $0.time = EventTime(path: nil, format: .rfc3339) }
            == "stream `clicks`: time: it has no path; name the field of the event, or use the time format `kafka`")
        #expect(error { $0.format = .json }
            == "stream `clicks`, field `event_time`: time: a JSON event has no protobuf_timestamp; "
            + "use rfc3339, which is how Protobuf's JSON writes them, or epoch_s, epoch_ms, epoch_us")
    }
}
