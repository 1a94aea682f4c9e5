import FeatureStore
import Foundation
import Ingest
import Testing

/// The containers of `Tests/Corpus/avro`, which fastavro wrote.
@Suite struct LogAvroTests {
    static let clicks = StreamDefinition(
        name: "clicks", topic: "clicks", keys: [EntityKey(entity: "customer", path: FieldPath("customer"))],
        time: EventTime(path: FieldPath("time"), format: .rfc3339),
        fields: [
            FieldDefinition(name: "product", path: FieldPath("product.id"), type: .string),
            FieldDefinition(name: "price", path: FieldPath("product.price"), type: .decimal(scale: 2)),
            FieldDefinition(name: "device", path: FieldPath("product.device"), type: .string),
            FieldDefinition(name: "seen", type: .bool),
        ])
    let fixture = LogFixture([LogAvroTests.clicks])

    private func event(_ n: Int) -> String? {
        if n == 5 { return nil }
        let price = n % 10 == 7 ? "null" : "\(n % 10 == 6 ? "-" : "")\(n * 100 + 50)"
        let product = n % 10 == 9 ? "null|null|null" : "\(n % 10 == 8 ? "null" : "p\(n)")|\(price)|\(n % 2 == 1 ? "DESKTOP" : "PHONE")"
        return "0 \(1_700_000_000 + n) c\(n)|\(product)|\(n % 3 == 0 ? "null" : n % 2 == 0 ? "1" : "0")"
    }

    @Test(arguments: ["null", "deflate", "snappy", "zstandard"])
    func everyCodec(_ codec: String) {
        let path = fixture.write("clicks.avro", Corpus.bytes("avro/clicks-\(codec).avro"))
        let result = fixture.run(fixture.options([path]))
        #expect(result.error == nil)
        #expect(result.events == (0..<20).compactMap(event))
        #expect(result.drops == ["0 malformed -1"])
        #expect(result.faults.count == 1)
        #expect(result.faults.first?.contains("key `customer` (customer) is required and empty") == true)
        // Block by block, and on from any of them.
        var options = fixture.options([path])
        options.blockBytes = 1
        let blocks = fixture.run(options)
        #expect(blocks.chunks > 1)
        #expect(blocks.events == result.events)
        for stop in 1..<blocks.chunks {
            let first = fixture.run(options, stopAfter: stop)
            let second = fixture.run(fixture.options([path]), from: first.ends.last)
            #expect(first.events + second.events == result.events)
        }
    }

    @Test func damagedContainers() {
        let bytes = Corpus.bytes("avro/clicks-null.avro")
        for cut in [3, 100, bytes.count - 1, bytes.count - 20] {
            let result = fixture.run(fixture.options([fixture.write("clicks.avro", Array(bytes[..<cut]))]))
            #expect(result.error?.contains("the file is cut off") == true, "\(cut): \(result.error ?? "no error")")
        }
        // No damage of one byte behind the header may trap or pass for a container with other blocks.
        let header = bytes.count - 20 - 300
        for at in stride(from: header, to: bytes.count, by: 1) {
            for flip: UInt8 in [0xff, 0x80, 0x01] {
                var damaged = bytes
                damaged[at] ^= flip
                let result = fixture.run(fixture.options([fixture.write("clicks.avro", damaged)]))
                #expect(result.error != nil || result.records == 20)
            }
        }
        let random = fixture.run(fixture.options([fixture.write("clicks.avro", Array("Obj\u{1}".utf8) + Array(repeating: 0xff, count: 100))]))
        #expect(random.error != nil)
    }

    @Test func schemasThatDoNotFit() {
        let path = fixture.write("clicks.avro", Corpus.bytes("avro/clicks-null.avro"))
        func error(_ change: (inout StreamDefinition) -> Void) -> String? {
            fixture.definitions.streams[0] = Self.clicks
            change(&fixture.definitions.streams[0])
            return fixture.run(fixture.options([path])).error
        }
        #expect(error { $0.fields[0].path = FieldPath("product.ib") }
            == "clicks.avro: stream `clicks`, field `product.ib`: field `product` (product.ib): the file's schema has no field `ib` there; did you mean `id`?"
            || error { $0.fields[0].path = FieldPath("product.ib") }?.contains("the file's schema has no field `ib` there; did you mean `id`?") == true)
        #expect(error { $0.fields[3].type = .int64 }?.contains("its type in the file's schema is boolean; the stream wants int, long, string or a decimal") == true)
        #expect(error { $0.fields[0].path = FieldPath("customer.id") }?.contains("`customer` is no record, so it has no `id`; end the path at `customer`") == true)
        #expect(error { $0.fields[0].path = FieldPath("ignored") }?.contains("its type in the file's schema is map") == true)
        fixture.definitions.streams[0] = Self.clicks
        fixture.definitions.streams[0].fields[0].path = FieldPath("absent")
        var options = fixture.options([path])
        options.missingFieldsAreNull = true
        #expect(fixture.run(options).events.first == "0 1700000000 c0|null|50|PHONE|null")
    }
}
