/// A parsed expression, before names and types are known.
struct Expression: Sendable {
    indirect enum Kind: Sendable {
        case number(Decimal128)
        case string(String)
        case bool(Bool)
        case null
        case name(String)
        case negate(Expression)
        case arithmetic(Arithmetic, Expression, Expression)
        case compare(Comparison, Expression, Expression)
        /// Every member is a literal.
        case isIn(Expression, [Expression], negated: Bool)
        case isNull(Expression, negated: Bool)
        case not(Expression)
        /// Two or more, in order: a chain is one node, however long.
        case and([Expression])
        case or([Expression])
        case call(String, [Expression])
    }
    var kind: Kind
    /// Of its operator, or of its first character.
    var column: Int
    /// Of the tree below, itself included.
    var depth: Int

    init(_ kind: Kind, column: Int) {
        self.kind = kind
        self.column = column
        depth = 1 + Self.parts(of: kind).reduce(0) { Swift.max($0, $1.depth) }
    }

    enum Arithmetic: String, Sendable { case add = "+", subtract = "-", multiply = "*", divide = "/" }
    enum Comparison: String, Sendable {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="

        /// Whether the comparison holds, given the order of its sides (negative, 0, positive).
        @inline(__always)
        func holds(_ order: Int) -> Bool {
            switch self {
            case .equal: order == 0
            case .notEqual: order != 0
            case .less: order < 0
            case .lessOrEqual: order <= 0
            case .greater: order > 0
            case .greaterOrEqual: order >= 0
            }
        }
        /// The same comparison with its sides exchanged.
        var mirrored: Comparison {
            switch self {
            case .equal, .notEqual: self
            case .less: .greater
            case .lessOrEqual: .greaterOrEqual
            case .greater: .less
            case .greaterOrEqual: .lessOrEqual
            }
        }
    }

    private static func parts(of kind: Kind) -> [Expression] {
        switch kind {
        case .number, .string, .bool, .null, .name: []
        case .negate(let a), .not(let a), .isNull(let a, _), .isIn(let a, _, _): [a]
        case .arithmetic(_, let a, let b), .compare(_, let a, let b): [a, b]
        case .and(let all), .or(let all), .call(_, let all): all
        }
    }
}
