import JSONBytes

/// Everything that can be wrong with an event; the description completes "the field ...".
public enum DecodeProblem: UInt8, Error, Sendable, CaseIterable {
    case empty
    case tooLong

    // The framing and the syntax of the record as a whole.
    case magicNotConfluent
    case otherMessage
    case frameTruncated
    case notAnObject
    case jsonEnds
    case jsonSyntax
    case jsonTrailing
    case jsonTooDeep
    case jsonControlCharacter
    case jsonEscape
    case jsonNumber
    case wireTruncated
    case wireVarint
    case wireTag
    case wireGroup
    case wireTooDeep
    case rowTooShort
    case rowTooLong
    case rowQuote
    case rowCut
    case notEnvelope

    // One value.
    case missing
    case blank
    case wrongType
    case insideNoObject
    case badUTF8
    case stringTooLong
    case keyTooLong
    case notANumber
    case notWhole
    case outOfRange
    case notATime
    case timeOutOfRange
    case noRecordTime
    case wrongDimension

    init(_ problem: JSONError.Problem) {
        self = switch problem {
        case .endOfInput: .jsonEnds
        case .unexpectedByte: .jsonSyntax
        case .trailingBytes: .jsonTrailing
        case .tooDeep: .jsonTooDeep
        case .controlCharacter: .jsonControlCharacter
        case .badEscape: .jsonEscape
        case .badUTF8: .badUTF8
        case .badNumber: .jsonNumber
        case .wrongType: .wrongType
        }
    }
}

extension DecodeProblem: CustomStringConvertible {
    public var description: String { text(maxBytes: EventDecoder.maxStringBytes) }

    /// - Parameter maxBytes: what the string that it is about may have.
    func text(maxBytes: Int) -> String {
        switch self {
        case .empty: "has no value"
        case .tooLong: "has a value of more than \(EventDecoder.maxPayloadBytes) bytes"
        case .magicNotConfluent: "does not begin with the zero byte of the Confluent wire format"
        case .otherMessage: "holds another message of its schema than the stream declares"
        case .frameTruncated: "ends inside the header of the Confluent wire format"
        case .notAnObject: "is not a JSON object"
        case .jsonEnds: "ends in the middle of its JSON"
        case .jsonSyntax: "has a byte that JSON does not allow here"
        case .jsonTrailing: "has more bytes after its JSON object"
        case .jsonTooDeep: "nests arrays and objects deeper than \(JSONReader.maxDepth)"
        case .jsonControlCharacter: "has an unescaped control character in a string"
        case .jsonEscape: "has a bad escape sequence in a string"
        case .jsonNumber: "has a number that JSON does not allow"
        case .wireTruncated: "ends in the middle of a Protobuf field"
        case .wireVarint: "has a Protobuf varint of more than 10 bytes"
        case .wireTag: "has a Protobuf tag that does not exist"
        case .wireGroup: "has a Protobuf group that does not begin or end properly"
        case .wireTooDeep: "nests Protobuf groups deeper than \(WireReader.maxGroupDepth)"
        case .rowTooShort: "has fewer fields than the header"
        case .rowTooLong: "has more fields than the header"
        case .rowQuote: "has a quote where CSV allows none"
        case .rowCut: "ends inside quotes"
        case .notEnvelope: "is no envelope with `topic` and `value` or `payload`"
        case .missing: "is required and missing"
        case .blank: "is required and empty"
        case .wrongType: "has a value of another type than the stream declares"
        case .insideNoObject: "is inside a value that is not an object"
        case .badUTF8: "is not valid UTF-8"
        case .stringTooLong: "has more than \(maxBytes) bytes"
        case .keyTooLong: "has more than \(EventDecoder.maxKeyBytes) bytes"
        case .notANumber: "is not a number"
        case .notWhole: "is not a whole number"
        case .outOfRange: "is beyond the range of its type"
        case .notATime: "is not a time in the stream's format"
        case .timeOutOfRange: "is not between 1970-01-02 and 2106-02-07"
        case .wrongDimension: "has another number of elements than the stream declares"
        case .noRecordTime: "is the record's timestamp, and the record has none"
        }
    }
}
