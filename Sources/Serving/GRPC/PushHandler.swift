internal import FeatureStore
internal import JSONBytes
internal import Serving

/// `millrace.serving.v1.FeatureService/Push`, and the writes of Feast's `GrpcFeatureServer`. Messages become the bodies of the same requests
/// over HTTP: what is checked of one is checked of the other.
struct PushHandler {
    let service: LookupService

    func registerMethods(with table: inout MethodTable) {
        let definitions = service.source.definitions
        table.registerWaiting(
            "millrace.serving.v1.FeatureService", "Push",
            read: { (bytes) throws(LookupProblem) in try PushRequest(protobuf: bytes, definitions) },
            needs: { .push(view: $0.view) }, audit: { AuditEvent($0) }
        ) { [service] (request) async throws(LookupProblem) in
            try await service.push(request).protobuf()
        }
        // `PushRequest` has `to` where the other one has its typed features.
        for (method, typedField, toField) in [("Push", 5, 4), ("WriteToOnlineStore", 4, 0)] {
            table.registerWaiting(
                FeastHandler.services[1], method,
                read: { (bytes) throws(LookupProblem) in
                    try PushRequest(feastProtobuf: bytes, typedField: typedField, toField: toField, definitions)
                }, needs: { .push(view: $0.view) }, audit: { AuditEvent($0) }
            ) { [service] (request) async throws(LookupProblem) in
                _ = try await service.push(request)
                var out = ProtobufWriter(capacity: 2)
                out.set(1, true)
                return out.bytes
            }
        }
    }
}

extension PushAnswer {
    /// `millrace.serving.v1.PushResponse`.
    fileprivate func protobuf() -> [UInt8] {
        var out = ProtobufWriter(capacity: 64 + offsets.count * 32)
        out.string(1, minPosition)
        out.offsets(2, offsets)
        return out.bytes
    }
}

extension ProtobufWriter {
    /// Repeated `PushedPosition`s.
    mutating func offsets(_ field: Int, _ offsets: [SourceOffset]) {
        for offset in offsets {
            message(field) { out in
                out.string(1, offset.topic)
                out.int64(2, Int64(offset.partition))
                out.int64(3, offset.offset)
            }
        }
    }
}

extension PushRequest {
    /// `millrace.serving.v1.PushRequest`.
    fileprivate init(protobuf bytes: UnsafeRawBufferPointer, _ definitions: Definitions) throws(LookupProblem) {
        var view = ""
        var rows: [ProtobufReader] = []
        var json = JSONWriter()
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): view = try reader.string()
                case (2, .bytes) where rows.count <= Self.maxRows: rows.append(try reader.message())
                default: try reader.skip(field.type)
                }
            }
            let stream = definitions.pushedStream(view).map { definitions.streams[$0] }
            json.beginObject()
            json.key("rows")
            json.beginArray()
            for row in rows {
                var row = row
                try json.row(&row, stream)
            }
            json.endArray()
            json.endObject()
        } catch {
            throw LookupProblem(error, "a PushRequest")
        }
        self = try json.withBytes { (body) throws(LookupProblem) in try PushRequest(json: body, view: view, definitions: definitions) }
    }

    /// `PushRequest` or `WriteToOnlineStoreRequest` of Feast: one row, as text (field 1) or typed.
    fileprivate init(
        feastProtobuf bytes: UnsafeRawBufferPointer, typedField: Int, toField: Int, _ definitions: Definitions
    ) throws(LookupProblem) {
        var view = "", to = ""
        var columns = JSONWriter()
        do throws(MalformedMessage) {
            columns.beginObject()
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (2, .bytes): view = try reader.string()
                case (toField, .bytes): to = try reader.string()
                case (1, .bytes), (typedField, .bytes):
                    var entry = try reader.message()
                    try columns.feastColumn(&entry, isText: field.number == 1)
                default: try reader.skip(field.type)
                }
            }
            columns.endObject()
        } catch {
            throw LookupProblem(error, "Feast's", remedy: "Use Feast's stubs.")
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("feature_view_name", view)
        if !to.isEmpty { json.member("to", to) }
        json.key("df")
        json.raw(columns.bytes)
        json.endObject()
        do throws(FeastProblem) {
            self = try json.withBytes { (body) throws(FeastProblem) in try PushRequest(feast: body, definitions: definitions) }
        } catch {
            throw error.lookupProblem
        }
    }
}

extension JSONWriter {
    /// A `PushRow` as a record of its topic. Without the stream there is no name for its key and its time; the view is unknown then.
    fileprivate mutating func row(_ row: inout ProtobufReader, _ stream: StreamDefinition?) throws(MalformedMessage) {
        beginObject()
        while let field = try row.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes):
                key(named: stream?.keys[0].path.description ?? "")
                string(try row.string())
            case (2, .varint):
                key(named: stream?.time.path?.description ?? "")
                eventTime(Int64(bitPattern: try row.varint()), as: stream?.time.format ?? .epochMicroseconds)
            case (3, .bytes):
                var entry = try row.message()
                try member(&entry)
            default: try row.skip(field.type)
            }
        }
        endObject()
    }

    /// An entry of `map<string, Value>`; its name comes first on the wire.
    private mutating func member(_ entry: inout ProtobufReader) throws(MalformedMessage) {
        var isNamed = false, isWritten = false
        while let field = try entry.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes) where !isNamed:
                key(named: try entry.string())
                isNamed = true
            case (2, .bytes) where isNamed && !isWritten:
                var message = try entry.message()
                try value(&message)
                isWritten = true
            default: try entry.skip(field.type)
            }
        }
        if !isNamed { key("") }
        if !isWritten { null() }
    }

    /// A `Value`. A list is one of numbers, as a vector is; what no feature can be is an object, which the decoder refuses.
    private mutating func value(_ message: inout ProtobufReader, isElement: Bool = false) throws(MalformedMessage) {
        var isWritten = false
        while let field = try message.nextField() {
            if isWritten {
                try message.skip(field.type)
                continue
            }
            isWritten = true
            switch (field.number, field.type) {
            case (1, .varint): bool(try message.varint() != 0)
            case (2, .varint): int(Int64(bitPattern: try message.varint()))
            case (3, .fixed64): double(Double(bitPattern: try message.fixed64()))
            case (4, .bytes): string(try message.string())
            case (5, .bytes):
                // Its text, which the decoder reads as a number.
                var decimal = try message.message()
                var text = ""
                while let part = try decimal.nextField() {
                    if part.number == 1, part.type == .bytes { text = try decimal.string() } else { try decimal.skip(part.type) }
                }
                string(text)
            case (6, .bytes) where !isElement:
                var list = try message.message()
                beginArray()
                while let part = try list.nextField() {
                    guard part.number == 1, part.type == .bytes else {
                        try list.skip(part.type)
                        continue
                    }
                    var element = try list.message()
                    try value(&element, isElement: true)
                }
                endArray()
            default:
                try message.skip(field.type)
                beginObject()
                endObject()
            }
        }
        if !isWritten { null() }
    }

    /// A column of one cell: an entry of `map<string, string>` or of `map<string, feast.types.Value>`.
    fileprivate mutating func feastColumn(_ entry: inout ProtobufReader, isText: Bool) throws(MalformedMessage) {
        var name = ""
        var cell = JSONWriter()
        var isWritten = false
        while let field = try entry.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes): name = try entry.string()
            case (2, .bytes) where !isWritten:
                isWritten = true
                if isText {
                    cell.string(try entry.string())
                } else {
                    var message = try entry.message()
                    try cell.feastValue(&message)
                }
            default: try entry.skip(field.type)
            }
        }
        if !isWritten { cell.null() }
        key(named: name)
        beginArray()
        raw(cell.bytes)
        endArray()
    }

    /// A `feast.types.Value` that a feature can be.
    private mutating func feastValue(_ message: inout ProtobufReader) throws(MalformedMessage) {
        var isWritten = false
        while let field = try message.nextField() {
            if isWritten {
                try message.skip(field.type)
                continue
            }
            isWritten = true
            switch (field.number, field.type) {
            case (1, .bytes), (2, .bytes): string(try message.string())
            case (3, .varint): int(Int64(Int32(truncatingIfNeeded: try message.varint())))
            case (4, .varint): int(Int64(bitPattern: try message.varint()))
            case (5, .fixed64): double(Double(bitPattern: try message.fixed64()))
            case (6, .fixed32): double(Double(Float(bitPattern: try message.fixed32())))
            case (7, .varint): bool(try message.varint() != 0)
            // Seconds; of an event it is when it was.
            case (8, .varint): time(Int64(bitPattern: try message.varint()).multipliedReportingOverflow(by: 1_000_000).partialValue)
            case (13, .bytes), (14, .bytes), (15, .bytes), (16, .bytes):
                var list = try message.message()
                try feastNumbers(&list, field.number)
            default:
                try message.skip(field.type)
                null()
            }
        }
        if !isWritten { null() }
    }

    /// Int32List, Int64List, DoubleList, FloatList: packed or not.
    private mutating func feastNumbers(_ list: inout ProtobufReader, _ kind: Int) throws(MalformedMessage) {
        beginArray()
        while let field = try list.nextField() {
            if field.number != 1 {
                try list.skip(field.type)
            } else if field.type == .bytes {
                var packed = try list.message()
                while !packed.isAtEnd { try feastNumber(&packed, kind) }
            } else {
                try feastNumber(&list, kind)
            }
        }
        endArray()
    }

    private mutating func feastNumber(_ reader: inout ProtobufReader, _ kind: Int) throws(MalformedMessage) {
        switch kind {
        case 13, 14: int(Int64(bitPattern: try reader.varint()))
        case 15: double(Double(bitPattern: try reader.fixed64()))
        default: double(Double(Float(bitPattern: try reader.fixed32())))
        }
    }
}
