internal import FeatureStore
internal import Serving

/// The reads of Feast's two gRPC services, which have the same messages: `feast.serving.ServingService` and `GrpcFeatureServer`.
struct FeastHandler {
    static let services = ["feast.serving.ServingService", "GrpcFeatureServer"]
    let service: LookupService

    func registerMethods(with table: inout MethodTable) {
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        for name in Self.services {
            table.registerUnary(
                name, "GetOnlineFeatures",
                read: { (bytes) throws(LookupProblem) in try FeastRequest(protobuf: bytes, maxRows: maxKeys) },
                needs: { [service] in service.need($0) }, audit: { AuditEvent($0) }, keyCount: { $0.rowCount }
            ) { [service] (request, _) throws(LookupProblem) in
                do throws(FeastProblem) {
                    return try service.feast(request).protobuf()
                } catch {
                    throw error.lookupProblem
                }
            }
        }
        table.registerUnary(
            Self.services[0], "GetFeastServingInfo", read: { (_) throws(LookupProblem) in () }, needs: { _ in .anything }, audit: { _ in nil }
        ) { (_, _) throws(LookupProblem) in
            var out = ProtobufWriter(capacity: 16)
            out.string(1, "millrace")
            return out.bytes
        }
    }
}

extension FeastRequest {
    /// `feast.serving.GetOnlineFeaturesRequest`. Fields that it does not know are skipped.
    init(protobuf bytes: UnsafeRawBufferPointer, maxRows: Int) throws(LookupProblem) {
        self.init()
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): service = try reader.string()
                case (2, .bytes):
                    var list = try reader.message()
                    while let field = try list.nextField() {
                        if field.number == 1, field.type == .bytes, features.count <= LookupRequest.maxFeatures {
                            features.append(try list.string())
                        } else {
                            try list.skip(field.type)
                        }
                    }
                case (3, .bytes):
                    var entry = try reader.message()
                    entities.append(try Self.entity(&entry, maxRows))
                case (4, .varint): usesFullNames = try reader.varint() != 0
                case (6, .varint): wantsViewMetadata = try reader.varint() != 0
                default: try reader.skip(field.type)
                }
            }
        } catch {
            throw LookupProblem(error, "a GetOnlineFeaturesRequest", remedy: "Use the stubs of feast.serving.")
        }
    }

    /// An entry of `map<string, RepeatedValue>`.
    private static func entity(_ entry: inout ProtobufReader, _ maxRows: Int) throws(MalformedMessage) -> (name: String, keys: [String]) {
        var name = "", keys: [String] = []
        while let field = try entry.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes): name = try entry.string()
            case (2, .bytes):
                var values = try entry.message()
                while let field = try values.nextField() {
                    if field.number == 1, field.type == .bytes, keys.count <= maxRows {
                        var value = try values.message()
                        keys.append(try key(&value))
                    } else {
                        try values.skip(field.type)
                    }
                }
            default: try entry.skip(field.type)
            }
        }
        return (name, keys)
    }

    /// A `feast.types.Value` that can be a key: its text. Others are the empty key, which the lookup refuses.
    private static func key(_ value: inout ProtobufReader) throws(MalformedMessage) -> String {
        var text = ""
        while let field = try value.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes), (2, .bytes): text = try value.string()
            case (3, .varint), (4, .varint), (8, .varint): text = String(Int64(bitPattern: try value.varint()))
            case (7, .varint): text = try value.varint() != 0 ? "true" : "false"
            default: try value.skip(field.type)
            }
        }
        return text
    }
}

extension FeastAnswer {
    /// `feast.serving.GetOnlineFeaturesResponse`.
    func protobuf() -> [UInt8] {
        var out = ProtobufWriter(capacity: 256 + columns.count * rowCount * 32)
        out.message(1) { out in
            out.message(1) { out in
                for (name, _) in keys { out.set(1, name) }
                for column in columns { out.set(1, column.name) }
            }
            for view in views ?? [] { out.message(2) { $0.string(1, view) } }
        }
        for (_, column) in keys {
            out.message(2) { out in
                for key in column { out.message(1) { $0.set(2, key) } }
                out.set(2, column.map { _ in Status.present.rawValue })
                for _ in column { out.message(3) { _ in } }
            }
        }
        for column in columns {
            let values = (0..<rowCount).map { value(column, row: $0) }
            out.message(2) { out in
                for value in values { out.message(1) { $0.feast(value.value) } }
                // Packed; every number is one byte.
                out.set(2, values.map { Status($0).rawValue })
                for value in values { out.message(3) { $0.timestamp(value.newestEventTime) } }
            }
        }
        return out.bytes
    }
}

extension ProtobufWriter {
    /// The fields of a `google.protobuf.Timestamp`; nil is the epoch.
    fileprivate mutating func timestamp(_ microseconds: Int64?) {
        guard let microseconds else { return }
        int64(1, microseconds / 1_000_000)
        int64(2, microseconds % 1_000_000 * 1_000)
    }

    /// The member of a `feast.types.Value`; null and what is empty are none. A decimal is the double nearest to it.
    fileprivate mutating func feast(_ value: Value) {
        switch value {
        case .null: break
        case .bool(let value): set(7, value)
        case .int(let value): set(4, value)
        case .double(let value): set(5, value)
        case .decimal: set(5, value.nearestDouble ?? .nan)
        case .string(let text): set(2, text)
        case .list(let elements): list(elements)
        case .map(let entries): if !entries.isEmpty { message(20) { $0.entries(entries) } }
        }
    }

    private mutating func entries(_ entries: [Value.MapEntry]) {
        for entry in entries {
            message(1) { out in
                out.string(1, entry.key)
                out.message(2) { $0.feast(entry.value) }
            }
        }
    }

    /// All elements have one type.
    private mutating func list(_ elements: [Value]) {
        switch elements.first {
        case nil, .null, .list: break
        case .string:
            message(12) { out in for case .string(let text) in elements { out.set(1, text) } }
        case .int:
            message(14) { out in
                var packed = ProtobufWriter(capacity: elements.count * 4)
                for case .int(let value) in elements { packed.varint(UInt64(bitPattern: value)) }
                out.set(1, packed.bytes)
            }
        case .double, .decimal:
            message(15) { out in
                out.set(1, elements.flatMap { withUnsafeBytes(of: ($0.nearestDouble ?? .nan).bitPattern.littleEndian) { Array($0) } })
            }
        case .bool:
            message(17) { out in out.set(1, elements.map { $0 == .bool(true) ? 1 : 0 } as [UInt8]) }
        case .map:
            message(21) { out in
                for case .map(let entries) in elements { out.message(1) { $0.entries(entries) } }
            }
        }
    }
}
