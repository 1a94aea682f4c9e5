/// Why bytes are not the JSON that was asked for, and where. Trivial, so that throwing it costs nothing; the words are made when
/// somebody reads them.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Problem: UInt8, Sendable, CaseIterable {
        case endOfInput
        case unexpectedByte
        case trailingBytes
        case tooDeep
        case controlCharacter
        case badEscape
        case badUTF8
        case badNumber
        case wrongType
    }

    public var problem: Problem
    /// Offset of the first byte that is wrong.
    public var position: Int

    public init(_ problem: Problem, at position: Int) {
        self.problem = problem
        self.position = position
    }

    public var description: String { "\(problem) at byte \(position)" }
}

extension JSONError.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .endOfInput: "the JSON ends in the middle of a value"
        case .unexpectedByte: "a byte that JSON does not allow here"
        case .trailingBytes: "more bytes after the end of the JSON value"
        case .tooDeep: "arrays and objects nested deeper than \(JSONReader.maxDepth)"
        case .controlCharacter: "an unescaped control character in a string"
        case .badEscape: "an escape sequence that does not exist or is half of a surrogate pair"
        case .badUTF8: "a string that is not valid UTF-8"
        case .badNumber: "a number that JSON does not allow"
        case .wrongType: "a value of another type than expected"
        }
    }
}
