import FeatureStore
import Ingest
import Testing

/// Vectors from JSON arrays and from repeated Protobuf fields.
@Suite struct DecodeVectorTests {
    private static let type = FieldType.vector(dimension: 3, scale: 2)

    private static func stream(_ format: EventFormat) -> StreamDefinition {
        StreamDefinition(
            name: "s", topic: "s", format: format, keys: [EntityKey(entity: "customer", path: FieldPath("key"))],
            time: EventTime(path: nil, format: .kafka),
            fields: [FieldDefinition(name: "v", type: type), FieldDefinition(name: "inner", path: FieldPath("model.v"), type: type)])
    }

    // MARK: JSON

    private static func json(_ text: String) -> Decoded {
        try! EventDecoder(stream: stream(.json), index: 0, descriptorSet: nil).decode(Array(text.utf8), recordTime: .days(10_000))
    }

    @Test(arguments: [
        ("[1, 2.5, -0.005]", [100, 250, 0]), (" [ 1e2 ,0,-3 ] ", [10_000, 0, -300]), ("[0.014,0.015,0.025]", [1, 2, 2]),
    ] as [(String, [Int64])])
    func `a JSON array of numbers`(text: String, expected: [Int64]) {
        let event = Self.json("{\"key\":\"a\",\"v\":\(text),\"model\":{\"v\":\(text)}}").event
        #expect(event?.values == [.string("a"), .vector(expected), .vector(expected)])
    }

    @Test func `no array is null`() {
        #expect(Self.json("{\"key\":\"a\"}").event?.values == [.string("a"), .null, .null])
        #expect(Self.json("{\"key\":\"a\",\"v\":null}").event?.values == [.string("a"), .null, .null])
    }

    @Test(arguments: [
        ("[1,2]", "another number of elements"), ("[1,2,3,4]", "another number of elements"), ("[]", "another number of elements"),
        ("[1,2,null]", "another type"), ("[1,2,\"3\"]", "another type"), ("[1,[2],3]", "another type"), ("{}", "another type"),
        ("7", "another type"), ("[1,2,1e30]", "beyond the range"), ("[1,2", "not allow"), ("[1,,2]", "not allow"),
    ])
    func `a wrong array is malformed`(text: String, words: String) throws {
        let fault = try #require(Self.json("{\"key\":\"a\",\"v\":\(text)}").fault)
        #expect(fault.hasPrefix("malformed") && fault.contains(words), "\(fault)")
    }

    // MARK: Protobuf

    /// A descriptor set: `Event { string key = 1; repeated TYPE v = 2; Model model = 3; }`, `Model { repeated TYPE v = 2; }`.
    private static func descriptors(type: Int64) -> [UInt8] {
        func field(_ message: inout WireWriter, _ name: String, _ number: Int64, label: Int64, type: Int64, _ typeName: String? = nil) {
            message.message(2) {
                $0.string(1, name)
                $0.int(3, number)
                $0.int(4, label)
                $0.int(5, type)
                if let typeName { $0.string(6, typeName) }
            }
        }
        return WireWriter.message {
            $0.message(1) { file in
                file.string(1, "vectors.proto")
                file.string(2, "test")
                file.message(4) {
                    $0.string(1, "Event")
                    field(&$0, "key", 1, label: 1, type: 9)
                    field(&$0, "v", 2, label: 3, type: type)
                    field(&$0, "model", 3, label: 1, type: 11, ".test.Model")
                }
                file.message(4) {
                    $0.string(1, "Model")
                    field(&$0, "v", 2, label: 3, type: type)
                }
                file.string(12, "proto3")
            }
        }
    }

    private static let format = EventFormat.protobuf(ProtobufFormat(descriptorSet: "", message: "test.Event"))

    private static func protobuf(type: Int64, _ body: (inout WireWriter) -> Void) -> Decoded {
        let decoder = try! EventDecoder(stream: stream(format), index: 0, descriptorSet: descriptors(type: type))
        return decoder.decode(WireWriter.message {
            $0.string(1, "a")
            body(&$0)
        }, recordTime: .days(10_000))
    }

    private static func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    @Test func `packed, unpacked and mixed`() {
        let expected = DecodedEvent.Value.vector([150, -25, 0])
        let packed = Self.protobuf(type: 2) { $0.data(2, Self.floats([1.5, -0.25, 0])) }
        #expect(packed.event?.values == [.string("a"), expected, .null])
        let unpacked = Self.protobuf(type: 2) { writer in for x: Float in [1.5, -0.25, 0] { writer.fixed32(2, x.bitPattern) } }
        #expect(unpacked.event?.values == [.string("a"), expected, .null])
        let mixed = Self.protobuf(type: 2) {
            $0.fixed32(2, Float(1.5).bitPattern)
            $0.string(9, "unknown")
            $0.data(2, Self.floats([-0.25, 0]))
            $0.message(3) { $0.data(2, Self.floats([1.5, -0.25, 0])) }
        }
        #expect(mixed.event?.values == [.string("a"), expected, expected])
    }

    @Test func `whole numbers`() {
        let varints = Self.protobuf(type: 17) {  // sint32
            $0.data(2, [2, 1, 0xd8, 0x04])
        }
        #expect(varints.event?.values[1] == .vector([100, -100, 30_000]))
        let doubles = Self.protobuf(type: 1) { writer in for x in [0.1, 1e3, -2.005] { writer.fixed64(2, x.bitPattern) } }
        #expect(doubles.event?.values[1] == .vector([10, 100_000, -200]))
    }

    @Test func `wrong ones are malformed`() {
        #expect(Self.protobuf(type: 2) { $0.data(2, Self.floats([1, 2])) }.fault?.contains("another number of elements") == true)
        #expect(Self.protobuf(type: 2) { $0.data(2, Self.floats([1, 2, 3, 4])) }.fault?.contains("another number of elements") == true)
        #expect(Self.protobuf(type: 2) { $0.data(2, [0, 0, 0]) }.fault?.contains("ends in the middle") == true)
        #expect(Self.protobuf(type: 2) { $0.data(2, Self.floats([1, .nan, 3])) }.fault?.hasPrefix("malformed") == true)
        // Of another wire type: an unknown field. And no elements are no vector.
        #expect(Self.protobuf(type: 2) { $0.int(2, 5) }.event?.values[1] == .null)
        #expect(Self.protobuf(type: 2) { $0.data(2, []) }.event?.values[1] == .null)
    }

    @Test func `setup says what fits`() {
        func problem(_ type: FieldType, path: String, of elements: Int64) -> String {
            var stream = Self.stream(Self.format)
            stream.fields = [FieldDefinition(name: "f", path: FieldPath(path), type: type)]
            do {
                _ = try EventDecoder(stream: stream, index: 0, descriptorSet: Self.descriptors(type: elements))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(problem(Self.type, path: "v", of: 2) == "")
        #expect(problem(Self.type, path: "v", of: 9).contains("repeated field of numbers"))
        #expect(problem(Self.type, path: "key", of: 2).contains("repeated field of numbers"))
        #expect(problem(.decimal(scale: 2), path: "v", of: 2).contains("declare a repeated number as a vector"))
        #expect(problem(.vector(dimension: 0, scale: 2), path: "v", of: 2).contains("1 to 1024"))
    }
}
