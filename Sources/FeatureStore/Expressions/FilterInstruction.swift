/// One test of a filter's program, and where it goes on. Trivial.
struct FilterInstruction: Sendable {
    enum Operation: UInt8, Sendable {
        /// `field` against `constant`.
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
        /// `field` against `count` integers from `constant`.
        case inIntegers
        case isNull
        /// `field` against the string `constant`.
        case stringEqual, stringNotEqual, startsWith
        /// `field` against `count` strings from `constant`.
        case inStrings
        /// `field` against the field `constant`.
        case stringFieldsEqual, stringFieldsNotEqual
        /// Two values that steps compute: the left from `constant` on, `field` steps long; the right behind it, `count` steps long.
        case compare
        /// Whether the value of the `count` steps from `constant` is null.
        case isUnknown
    }
    /// In place of an index: the verdict.
    static let accept: Int32 = -1
    static let reject: Int32 = -2

    var operation: Operation
    var comparison: Expression.Comparison = .equal
    var leftScale: UInt8 = 0
    var rightScale: UInt8 = 0
    var field: Int32 = 0
    var count: Int32 = 0
    var constant: Int64 = 0
    var onTrue: Int32 = 0
    var onFalse: Int32 = 0
}

/// One step of exact arithmetic on a stack. Scales are settled when it is compiled.
struct FilterStep: Sendable {
    enum Operation: UInt8, Sendable { case field, literal, scale, add, subtract, multiply }
    /// Deepest stack that a program may need; the size of the one in `Filter.value`.
    static let maxDepth = 16

    var operation: Operation
    var field: Int32 = 0
    /// The literal, or the power of ten to scale by.
    var literal: Int128 = 0
}

/// A string constant's place in the filter's bytes.
struct FilterString: Sendable {
    var offset: UInt32
    var length: UInt32
}
