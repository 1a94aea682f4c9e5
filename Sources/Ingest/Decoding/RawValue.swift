/// One value as a scanner found it in the bytes: what it is and where, not yet what it means.
///
/// Scanners only find; `EventDecoder` converts. So the last of several values wins in both formats without undoing a
/// conversion, and both formats share one set of rules. Trivial.
struct RawValue {
    enum Kind: UInt8 {
        case absent
        case null
        /// Something stands where the path needs an object to go on.
        case notAnObject
        /// A JSON object.
        case container
        /// A JSON array: offset and count in the record.
        case array
        /// A repeated Protobuf field: offset and count of the message that has it, the field's number in the low half of `word`, its kind
        /// in the high one.
        case repeated
        case bool
        /// JSON text of a number.
        case number
        /// Bytes of a string, known to be UTF-8 when `isUTF8`.
        case text
        case signed
        case unsigned
        /// Bits of a Double, or of a Float.
        case double
        case float
        /// Number of a Protobuf enum's value.
        case enumeration
        /// A time in µs since the epoch, whatever the stream's format says.
        case instant
    }

    /// Integer, bool or the bits of a floating-point number.
    var word: UInt64 = 0
    /// Of a text or a number's text: offset and count in the record.
    var position: Int32 = 0
    var length: Int32 = 0
    var kind: Kind = .absent
    var hasEscapes = false
    var isUTF8 = false
    /// Not in the bytes: the default of a Protobuf field that has no presence.
    var isDefault = false
}
