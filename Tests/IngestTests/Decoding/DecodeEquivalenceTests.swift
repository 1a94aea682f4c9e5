import FeatureStore
import Foundation
import Ingest
import TestSupport
import Testing

@Suite struct DecodeEquivalenceTests {
    /// However it is written, an event has the values, the time and the id that were meant; the same in every format.
    @Test func formatsAgree() {
        let json = Streams.decoder(Streams.click(.json))
        let plain = Streams.decoder(Streams.click(Streams.protobuf(Streams.clickMessage)))
        let confluent = Streams.decoder(Streams.click(Streams.protobuf(Streams.clickMessage, .confluent)))
        let batch = EventBatch()
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5_000 {
            let click = SampleClick(&random)
            let text = click.json(&random)
            #expect(json.decode(text, batch: batch) == click.expected, "\(String(decoding: text, as: UTF8.self))")
            let wire = click.protobuf(&random)
            #expect(plain.decode(wire, batch: batch) == click.expected)
            #expect(confluent.decode([0, 0, 0, 0, 7, 0] + wire, batch: batch) == click.expected)
        }
    }

    /// Events without an id get the same identity in both formats.
    @Test func identitiesAgree() throws {
        let json = Streams.decoder(Streams.purchase(.json))
        let plain = Streams.decoder(Streams.purchase(Streams.protobuf(Streams.purchaseMessage)))
        var ids: Set<UInt64> = []
        for n in 0..<500 {
            let text = #"{"customer_id":"\#(n % 7)","ordered_at":"2023-11-14T22:13:20Z","product":"p","category":"c","quantity":\#(n),"amount":\#(n).50,"currency":""}"#
            let wire = WireWriter.message {
                $0.string(2, "\(n % 7)")
                $0.timestamp(3, micros: 1_700_000_000_000_000)
                $0.string(4, "p")
                $0.string(5, "c")
                if n != 0 { $0.int(6, Int64(n)) }
                $0.string(7, "\(n).5")
            }
            let event = try #require(json.decode(text).event)
            #expect(plain.decode(wire) == .event(event))
            ids.insert(event.id)
        }
        #expect(ids.count == 500)
    }

    /// Random documents, in which a path may meet anything: the projection is what walking Foundation's tree finds.
    @Test func projectionEqualsFoundation() throws {
        let paths = ["a", "b", "a.a", "a.b", "b.a.b", "c"]
        let batch = EventBatch()
        var random = SeededGenerator(seed: 2)
        var events = 0
        func document(_ depth: Int) -> String {
            switch depth > 3 ? random.below(4) : random.below(9) {
            case 0: return "\"\(["x", "yy", "\\u00e9", "", "é"][random.below(5)])\""
            case 1: return "\(random.below(2_000) - 1_000)"
            case 2: return ["true", "false"][random.below(2)]
            case 3: return "null"
            case 4: return "[\((0..<random.below(3)).map { _ in document(depth + 1) }.joined(separator: ","))]"
            default: return object(depth + 1)
            }
        }
        // No key twice: which one Foundation keeps is its own affair.
        func object(_ depth: Int, _ extra: String = "") -> String {
            let names = ["a", "b", "c", "aa", "\\u0061b"].shuffled(using: &random).prefix(random.below(5))
            return "{\((names.map { "\"\($0)\": \(document(depth))" } + (extra.isEmpty ? [] : [extra])).joined(separator: ", "))}"
        }
        for type in [FieldType.string, .int64, .bool] {
            for path in paths {
                let decoder = Streams.decoder(StreamDefinition(
                    name: "s", topic: "s", keys: [EntityKey(entity: "customer", path: FieldPath("k"))],
                    time: EventTime(path: nil, format: .kafka),
                    // Another path through the same names, so that the tree has inner nodes that are read themselves.
                    fields: [FieldDefinition(name: "v", path: FieldPath(path), type: type)]))
                for _ in 0..<400 {
                    let text = object(0, #""k":"key""#)
                    var at: Any? = try JSONSerialization.jsonObject(with: Data(text.utf8))
                    var isInsideNoObject = false
                    for name in path.split(separator: ".") {
                        if at == nil || at is NSNull { at = nil; continue }
                        guard let object = at as? [String: Any] else { isInsideNoObject = true; break }
                        at = object[String(name)]
                    }
                    let isBool = (at as? NSNumber).map { "\(Swift.type(of: $0))".contains("Bool") || CFNumberIsBool($0) } ?? false
                    let expected: DecodedEvent.Value? = if isInsideNoObject {
                        nil
                    } else if at == nil || at is NSNull {
                        .null
                    } else if type == .string, let text = at as? String {
                        .string(text)
                    } else if type == .int64, !isBool, let number = at as? Int64 {
                        .integer(number)
                    } else if type == .bool, isBool, let flag = at as? Bool {
                        .integer(flag ? 1 : 0)
                    } else {
                        nil
                    }
                    // Numbers in strings are read as numbers, which no string of this test is.
                    let decoded = decoder.decode(Array(text.utf8), recordTime: 1_700_000_000_000_000, batch: batch)
                    if decoded.event != nil { events += 1 }
                    #expect(decoded.event?.values[1] == expected, "\(path) \(type) in \(text)")
                }
            }
        }
        #expect(events > 2_000)
    }

    private func CFNumberIsBool(_ number: NSNumber) -> Bool { number === kTrue || number === kFalse || String(cString: number.objCType) == "c" }
    private let kTrue = NSNumber(value: true)
    private let kFalse = NSNumber(value: false)
}
