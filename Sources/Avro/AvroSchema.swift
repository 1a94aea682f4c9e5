internal import CAvro

/// What libavro says is wrong.
public struct AvroError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }

    /// libavro's last message of this thread.
    static func last(_ what: String) -> AvroError {
        var text = String(cString: avro_strerror())
        while text.last?.isWhitespace == true || text.last == ":" { text.removeLast() }
        return AvroError(text.isEmpty ? what : "\(what) (\(text))")
    }
}

/// A type of an Avro schema, as libavro parsed it, with what libavro leaves out: the logical types.
///
/// One thread uses it and everything made of it.
public final class AvroSchema {
    let pointer: avro_schema_t

    /// `json`: what `avro.schema` of a container's header says.
    public init(json: [UInt8]) throws(AvroError) {
        var parsed: avro_schema_t?
        let code = json.withUnsafeBytes { bytes in
            avro_schema_from_json_length(bytes.bindMemory(to: CChar.self).baseAddress, bytes.count, &parsed)
        }
        guard code == 0, let parsed else { throw .last("the schema cannot be read") }
        pointer = parsed
    }

    deinit { avro_schema_decref(pointer) }

    /// The root, to walk down from. It must not outlive the schema.
    public var root: AvroType { AvroType(pointer: pointer) }
}

/// A type within a schema. Valid as long as the schema is.
public struct AvroType {
    let pointer: avro_schema_t

    public enum Kind: Sendable, Equatable {
        case string, bytes, int, long, float, double, boolean, null
        case record, enumeration, fixed, map, array, union
    }

    /// Of a link to a type that was named before, that type's.
    public var resolved: AvroType {
        var at = pointer
        // Links do not link to links, so one step would do.
        while at.pointee.type == AVRO_LINK, let target = avro_schema_link_target(at) { at = target }
        return AvroType(pointer: at)
    }

    public var kind: Kind {
        switch resolved.pointer.pointee.type {
        case AVRO_STRING: .string
        case AVRO_BYTES: .bytes
        case AVRO_INT32: .int
        case AVRO_INT64: .long
        case AVRO_FLOAT: .float
        case AVRO_DOUBLE: .double
        case AVRO_BOOLEAN: .boolean
        case AVRO_RECORD: .record
        case AVRO_ENUM: .enumeration
        case AVRO_FIXED: .fixed
        case AVRO_MAP: .map
        case AVRO_ARRAY: .array
        case AVRO_UNION: .union
        default: .null
        }
    }

    /// Of a record: its fields, in order.
    public var fields: [(name: String, type: AvroType)] {
        let record = resolved.pointer
        return (0..<avro_schema_record_size(record)).compactMap { index in
            guard let name = avro_schema_record_field_name(record, Int32(index)),
                let type = avro_schema_record_field_get_by_index(record, Int32(index))
            else { return nil }
            return (String(cString: name), AvroType(pointer: type))
        }
    }

    /// Of a union: its branches, in order.
    public var branches: [AvroType] {
        let union = resolved.pointer
        return (0..<avro_schema_union_size(union)).compactMap { index in
            avro_schema_union_branch(union, Int32(index)).map { AvroType(pointer: $0) }
        }
    }

    /// Of an array or a map.
    public var element: AvroType? {
        switch kind {
        case .array: avro_schema_array_items(resolved.pointer).map { AvroType(pointer: $0) }
        case .map: avro_schema_map_values(resolved.pointer).map { AvroType(pointer: $0) }
        default: nil
        }
    }

    /// Of an enum.
    public var symbols: [String] {
        let declared = resolved.pointer
        return (0..<avro_schema_enum_number_of_symbols(declared)).compactMap { index in
            avro_schema_enum_get(declared, index).map { String(cString: $0) }
        }
    }

    /// Of a record, an enum or a fixed.
    public var name: String? { avro_schema_name(resolved.pointer).map { String(cString: $0) } }

    /// A value of this type without any bytes: an array of such could claim any length.
    public var isEmpty: Bool { isEmpty(depth: 0) }

    private func isEmpty(depth: Int) -> Bool {
        switch kind {
        case .null: true
        case .fixed: avro_schema_fixed_size(resolved.pointer) == 0
        // A type that holds itself has no end unless a union or an array lies between, and those have bytes.
        case .record: depth < 64 && fields.allSatisfy { $0.type.isEmpty(depth: depth + 1) }
        default: false
        }
    }

    /// The first type of arrays below this one whose elements have no bytes, by path; nil when there is none.
    public func arrayOfNothing() -> String? {
        var seen: Set<UnsafeMutableRawPointer> = []
        return arrayOfNothing(at: "", &seen)
    }

    private func arrayOfNothing(at path: String, _ seen: inout Set<UnsafeMutableRawPointer>) -> String? {
        guard seen.insert(UnsafeMutableRawPointer(resolved.pointer)).inserted else { return nil }
        switch kind {
        case .record:
            for field in fields {
                let below = path.isEmpty ? field.name : "\(path).\(field.name)"
                if let found = field.type.arrayOfNothing(at: below, &seen) { return found }
            }
        case .union:
            for branch in branches {
                if let found = branch.arrayOfNothing(at: path, &seen) { return found }
            }
        case .array:
            if element?.isEmpty == true { return path }
            return element?.arrayOfNothing(at: path, &seen)
        case .map: return element?.arrayOfNothing(at: path, &seen)
        default: break
        }
        return nil
    }
}
