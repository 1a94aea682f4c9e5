import FeatureStore
import Foundation
import Ingest

/// One decoded event with values of its own, to compare.
struct DecodedEvent: Equatable {
    enum Value: Equatable {
        case null
        case integer(Int64)
        case string(String)
        case vector([Int64])
    }
    var values: [Value]
    var time: Int64
    var id: UInt64
}

enum Decoded: Equatable {
    case event(DecodedEvent)
    case dropped(DropReason, String)

    var event: DecodedEvent? { if case .event(let event) = self { event } else { nil } }
    /// The reason and the fault's words; nil for an event.
    var fault: String? { if case .dropped(let reason, let what) = self { "\(reason): \(what)" } else { nil } }
}

extension EventDecoder {
    /// Decodes into `batch`, from memory that ends where the payload ends, so that the sanitizers see every byte read beyond it.
    func decode(_ bytes: [UInt8], recordTime: Int64 = -1, batch: EventBatch = EventBatch(eventCapacity: 4)) -> Decoded {
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: bytes)
        batch.reset()
        switch decode(UnsafeRawBufferPointer(exact), recordTime: recordTime, into: batch) {
        case .dropped(let reason, let detail):
            precondition(batch.eventCount == 0 && detail.position <= bytes.count)
            return .dropped(reason, fault(reason, detail).what)
        case .event:
            precondition(batch.eventCount == 1)
            let record = batch.events[0]
            let values = (0..<batch.valueCount).map { n -> DecodedEvent.Value in
                let value = batch.values[n]
                return switch value.kind {
                case .null: .null
                case .integer: .integer(value.word)
                case .string: .string(String(validating: value.bytes, as: UTF8.self)!)
                case .vector:
                    .vector((0..<value.bytes.count / 8).map { value.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) })
                }
            }
            return .event(DecodedEvent(values: values, time: record.time, id: record.id))
        }
    }

    func decode(_ text: String, recordTime: Int64 = -1) -> Decoded { decode(Array(text.utf8), recordTime: recordTime) }
}

/// Files that tests share.
enum Corpus {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Corpus").standardized

    static func bytes(_ path: String) -> [UInt8] { Array(try! Data(contentsOf: directory.appending(path: path))) }
    static let descriptors = bytes("schemas/descriptors.binpb")

    static func hex(_ text: some StringProtocol) -> [UInt8] {
        let digits = text.filter(\.isHexDigit).map { UInt8($0.hexDigitValue!) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) } }

/// The shipped contracts as streams; JSON and Protobuf alike.
enum Streams {
    static func click(_ format: EventFormat) -> StreamDefinition {
        StreamDefinition(
            name: "clicks", topic: "clicks", format: format,
            keys: [
                EntityKey(entity: "customer", path: FieldPath("customer_id")),
                EntityKey(entity: "product", path: FieldPath("product.id")),
            ],
            time: EventTime(path: FieldPath("event_time"), format: format == .json ? .rfc3339 : .protobufTimestamp),
            idPath: FieldPath("event_id"),
            fields: [
                FieldDefinition(name: "page", type: .string),
                FieldDefinition(name: "category", path: FieldPath("product.category"), type: .string),
                FieldDefinition(name: "price", path: FieldPath("product.price"), type: .decimal(scale: 2)),
                FieldDefinition(name: "session", path: FieldPath("session_id"), type: .string),
                FieldDefinition(name: "device", type: .string),
            ])
    }

    static func purchase(_ format: EventFormat) -> StreamDefinition {
        StreamDefinition(
            name: "purchases", topic: "purchases", format: format,
            keys: [EntityKey(entity: "customer", path: FieldPath("customer_id"))],
            time: EventTime(path: FieldPath("ordered_at"), format: format == .json ? .rfc3339 : .protobufTimestamp),
            fields: [
                FieldDefinition(name: "product", type: .string), FieldDefinition(name: "category", type: .string),
                FieldDefinition(name: "quantity", type: .int64), FieldDefinition(name: "amount", type: .decimal(scale: 2)),
                FieldDefinition(name: "currency", type: .string),
            ])
    }

    static func protobuf(_ message: String, _ framing: ProtobufFormat.Framing = .plain) -> EventFormat {
        .protobuf(ProtobufFormat(descriptorSet: "", message: message, framing: framing))
    }
    static let clickMessage = "millrace.events.v1.Click"
    static let purchaseMessage = "millrace.events.v1.Purchase"

    static func decoder(_ stream: StreamDefinition) -> EventDecoder {
        try! EventDecoder(stream: stream, index: 3, descriptorSet: Corpus.descriptors)
    }
}
