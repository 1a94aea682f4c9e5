import FeatureStore

/// Which Protobuf types can be read as what a stream declares.
enum ProtobufTypes {
    static func fits(_ field: ProtobufField, _ role: DecoderPlan.Role) -> Bool {
        let kind = field.kind
        if field.isRepeated != role.isVector { return false }
        let isText = kind == .string || kind == .bytes
        return switch role {
        case .key, .id: isText || kind.isInteger
        case .field(.string): isText || kind == .enumeration
        case .field(.bool): kind == .bool
        case .field(.int64): kind.isInteger || kind == .string
        case .field(.vector), .field(.doubles): kind.isInteger || kind.isFloatingPoint
        case .field(.decimal), .field(.double): kind.isInteger || kind.isFloatingPoint || kind == .string
        case .time(.rfc3339): kind == .string
        case .time(.protobufTimestamp), .time(.kafka): false
        case .time(.epochSeconds), .time(.epochMilliseconds), .time(.epochMicroseconds):
            kind.isInteger || kind.isFloatingPoint || kind == .string
        }
    }

    static func remedy(for field: ProtobufField, _ role: DecoderPlan.Role) -> String {
        if field.kind == .message, field.typeName == "google.protobuf.Timestamp", case .time = role {
            return "use the time format protobuf_timestamp"
        }
        if role.isVector { return "a vector is a repeated field of numbers" }
        if field.isRepeated { return "declare the field as vector" }
        if field.kind == .message { return "let the path go on to one of its fields" }
        switch role {
        case .key: return "a key is a string, bytes or an integer"
        case .id: return "an id is a string, bytes or an integer"
        case .time(.protobufTimestamp): return "use the time format \(field.kind == .string ? "rfc3339" : "epoch_s, epoch_ms or epoch_us")"
        case .time(.rfc3339): return "use epoch_s, epoch_ms or epoch_us"
        case .time: return "a time is an integer, a string or a google.protobuf.Timestamp"
        case .field:
            let types = switch field.kind {
            case .string: "string, int64 or decimal"
            case .bytes, .enumeration: "string"
            case .bool: "bool"
            case .float, .double: "decimal"
            default: "int64 or decimal"
            }
            return "declare the field as \(types)"
        }
    }

    static func name(of field: ProtobufField) -> String {
        (field.isRepeated ? "repeated " : "") + (field.kind == .message || field.kind == .enumeration ? field.typeName : "\(field.kind)")
    }
}
