internal import FeatureStore
internal import Glibc
internal import Ingest

/// What the decoder targets have in common: decode, then touch everything that was decoded.
final class DecoderTarget {
    private let decoders: [EventDecoder]
    private let batch = EventBatch(eventCapacity: 16)

    init(_ streams: [StreamDefinition], descriptorSet: [UInt8]?) {
        decoders = streams.map { stream in
            do {
                return try EventDecoder(stream: stream, index: 0, descriptorSet: descriptorSet)
            } catch {
                fatalError("\(error)")
            }
        }
    }

    func decode(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        let payload = UnsafeRawBufferPointer(start: data, count: count)
        for decoder in decoders {
            batch.reset()
            switch decoder.decode(payload, recordTime: 1_700_000_000_000_000, into: batch) {
            case .dropped(let reason, let detail):
                guard batch.eventCount == 0 else { fatalError("a dropped event is in the batch") }
                guard detail.position >= 0, detail.position <= count else { fatalError("the fault is outside of the record") }
                _ = decoder.fault(reason, detail).what
            case .event:
                guard batch.eventCount == 1 else { fatalError("an event is not in the batch") }
                for n in 0..<batch.valueCount { check(batch.values[n]) }
            }
        }
        return 0
    }

    /// Reads every byte, so that the address sanitizer sees a slice that is not where it should be.
    private func check(_ value: FieldValue) {
        guard value.kind == .string else {
            if value.kind == .integer, value.word == .min { fatalError("the reserved integer was let through") }
            return
        }
        guard value.length <= 1_024, String(validating: value.bytes, as: UTF8.self) != nil else {
            fatalError("a string is too long or not UTF-8")
        }
    }

    // MARK: Streams

    static func protobuf(_ framing: ProtobufFormat.Framing) -> StreamDefinition {
        stream(
            format: .protobuf(ProtobufFormat(descriptorSet: "", message: "millrace.events.v1.Click", framing: framing)),
            time: EventTime(path: FieldPath("event_time"), format: .protobufTimestamp))
    }

    static func stream(format: EventFormat, time: EventTime) -> StreamDefinition {
        var fields = [
            FieldDefinition(name: "page", type: .string),
            FieldDefinition(name: "category", path: FieldPath("product.category"), type: .string),
            FieldDefinition(name: "price", path: FieldPath("product.price"), type: .decimal(scale: 2)),
            FieldDefinition(name: "device", type: .string),
        ]
        if format == .json {
            fields += [
                FieldDefinition(name: "quantity", type: .int64), FieldDefinition(name: "gift", type: .bool),
                FieldDefinition(name: "exact", path: FieldPath("product.price"), type: .decimal(scale: 9)),
            ]
        }
        return StreamDefinition(
            name: "fuzz", topic: "fuzz", format: format,
            keys: [
                EntityKey(entity: "customer", path: FieldPath("customer_id")),
                EntityKey(entity: "product", path: FieldPath("product.id")),
            ],
            time: time, idPath: time.format == .kafka ? nil : FieldPath("event_id"), fields: fields)
    }

    /// The bytes of the file that the environment variable names.
    static func file(_ variable: String) -> [UInt8] {
        guard let path = getenv(variable), let file = fopen(path, "rb") else { fatalError("set \(variable) to a file") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes[..<count])
    }
}
