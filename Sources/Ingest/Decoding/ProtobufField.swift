/// What the descriptor says of one field that a path goes through.
struct ProtobufField {
    enum Kind: UInt8 {
        case int32, int64, uint32, uint64, sint32, sint64, fixed32, fixed64, sfixed32, sfixed64
        case bool, enumeration, float, double, string, bytes, message

        var wire: WireType {
            switch self {
            case .int32, .int64, .uint32, .uint64, .sint32, .sint64, .bool, .enumeration: .varint
            case .fixed32, .sfixed32, .float: .fixed32
            case .fixed64, .sfixed64, .double: .fixed64
            case .string, .bytes, .message: .lengthDelimited
            }
        }
        var isInteger: Bool {
            switch self {
            case .int32, .int64, .uint32, .uint64, .sint32, .sint64, .fixed32, .fixed64, .sfixed32, .sfixed64: true
            default: false
            }
        }
        var isFloatingPoint: Bool { self == .float || self == .double }
    }

    var number: Int32
    var kind: Kind
    /// Absent on the wire means the default, not null: a proto3 scalar without `optional`.
    var isImplicit = false
    /// Index of the oneof in the message: setting one member clears the others. Negative: none.
    var oneof: Int32 = -1
    /// Any number of values, packed into one or not.
    var isRepeated = false
    /// Full name of the message or enum type.
    var typeName = ""

    /// What a field without presence holds when it is not on the wire.
    var defaultValue: RawValue {
        var value = RawValue()
        value.isDefault = true
        value.isUTF8 = true
        value.kind = switch kind {
        case .int32, .int64, .sint32, .sint64, .sfixed32, .sfixed64: .signed
        case .uint32, .uint64, .fixed32, .fixed64: .unsigned
        case .bool: .bool
        case .enumeration: .enumeration
        case .float: .float
        case .double: .double
        case .string, .bytes: .text
        case .message: .absent
        }
        return value
    }
}
