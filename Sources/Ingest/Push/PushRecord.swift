internal import FeatureStore
internal import JSONBytes

/// A push as the record of its topic: one JSON object with the key, the time and the values that are not null.
///
///     {"customer":"c1","event_time":1764547200000000,"score":0.93}
struct PushRecord: ~Copyable {
    private let stream: StreamDefinition
    private var json = JSONWriter()

    init(_ stream: StreamDefinition) { self.stream = stream }

    /// `values`: the key, then the fields, as the stream's decoder gives them. The bytes hold until the next call.
    mutating func write(
        time: Int64, _ values: UnsafeMutablePointer<FieldValue>, _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        json.reset()
        json.beginObject()
        json.key(named: stream.keys[0].path.description)
        json.string(utf8: values[0].bytes)
        json.key(named: stream.time.path?.description ?? "")
        switch stream.time.format {
        case .rfc3339: json.time(time)
        case .epochSeconds: json.decimal(units: Int128(time), scale: 6)
        case .epochMilliseconds: json.decimal(units: Int128(time), scale: 3)
        default: json.int(time)
        }
        for (n, field) in stream.fields.enumerated() where !values[n + 1].isNull {
            json.key(named: field.name)
            write(values[n + 1], field.type)
        }
        json.endObject()
        try json.withBytes { try body(values[0].bytes, $0) }
    }

    private mutating func write(_ value: FieldValue, _ type: FieldType) {
        switch type {
        case .string: json.string(utf8: value.bytes)
        case .bool: json.bool(value.word != 0)
        case .vector, .doubles:
            json.beginArray()
            for at in stride(from: 0, to: value.bytes.count, by: 8) {
                write(word: value.bytes.loadUnaligned(fromByteOffset: at, as: Int64.self), type)
            }
            json.endArray()
        case .int64, .decimal, .double: write(word: value.word, type)
        }
    }

    private mutating func write(word: Int64, _ type: FieldType) {
        switch type {
        case .double, .doubles: json.double(Double(bitPattern: UInt64(bitPattern: word)))
        case .decimal(let scale), .vector(_, let scale): json.decimal(units: Int128(word), scale: scale)
        case .string, .bool, .int64: json.int(word)
        }
    }
}
