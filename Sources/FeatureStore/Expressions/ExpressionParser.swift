/// Text to tree, by recursive descent. The grammar, lowest precedence first:
///
///     expression = conjunction { "or" conjunction }
///     conjunction = negation { "and" negation }
///     negation   = "not" negation | comparison
///     comparison = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum
///                      | "is" ["not"] "null"
///                      | ["not"] "in" "(" literal { "," literal } ")" ]
///     sum        = product { ("+" | "-") product }
///     product    = unary { ("*" | "/") unary }
///     unary      = "-" unary | primary
///     primary    = number | string | "true" | "false" | "null" | name
///                | name "(" [ expression { "," expression } ] ")" | "(" expression ")"
///
/// Nesting is bounded by `maxDepth`, so no text can exhaust the stack; later passes recurse over a tree of bounded depth.
struct ExpressionParser {
    static let maxDepth = 100
    /// Members of one `in (...)`, and arguments of one call.
    static let maxMembers = 1000

    private let tokens: [Token]
    private var at = 0
    private var nesting = 0

    static func parse(_ text: String) throws(ExpressionError) -> Expression {
        var parser = ExpressionParser(tokens: try Lexer.tokens(of: text))
        guard parser.token.kind != .end else {
            throw ExpressionError("the expression is empty", column: 1, remedy: "write a condition or a formula, or leave the key out")
        }
        let result = try parser.expression()
        switch parser.token.kind {
        case .end: return result
        case .symbol(")"):
            throw ExpressionError("`)` closes nothing", column: parser.token.column, remedy: "remove it, or open a `(` before")
        default:
            throw ExpressionError(
                "unexpected \(parser.token.shown) after a complete expression", column: parser.token.column,
                remedy: "put an operator (and, or, ==, +, ...) between the two")
        }
    }

    private init(tokens: [Token]) { self.tokens = tokens }

    private var token: Token { tokens[at] }

    private mutating func advance() {
        // The last token is `.end`, which nobody steps over.
        if at + 1 < tokens.count { at += 1 }
    }

    private mutating func take(word: String) -> Bool {
        guard token.kind == .word(word) else { return false }
        advance()
        return true
    }

    private mutating func take(symbol: String) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    private func tooDeep(_ column: Int) -> ExpressionError {
        ExpressionError(
            "the expression is nested more than \(Self.maxDepth) deep", column: column,
            remedy: "split it into several derived features, or drop needless parentheses")
    }

    private mutating func enter() throws(ExpressionError) {
        nesting += 1
        if nesting > Self.maxDepth { throw tooDeep(token.column) }
    }

    private func made(_ kind: Expression.Kind, _ column: Int) throws(ExpressionError) -> Expression {
        let result = Expression(kind, column: column)
        if result.depth > Self.maxDepth { throw tooDeep(column) }
        return result
    }

    private mutating func expression() throws(ExpressionError) -> Expression {
        try enter()
        defer { nesting -= 1 }
        let column = token.column
        var parts = [try conjunction()]
        while take(word: "or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : try made(.or(parts), column)
    }

    private mutating func conjunction() throws(ExpressionError) -> Expression {
        let column = token.column
        var parts = [try negation()]
        while take(word: "and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : try made(.and(parts), column)
    }

    private mutating func negation() throws(ExpressionError) -> Expression {
        let column = token.column
        guard take(word: "not") else { return try comparison() }
        try enter()
        defer { nesting -= 1 }
        return try made(.not(try negation()), column)
    }

    private mutating func comparison() throws(ExpressionError) -> Expression {
        let left = try sum()
        let column = token.column
        if case .symbol(let symbol) = token.kind, let comparison = Expression.Comparison(rawValue: symbol) {
            advance()
            let right = try sum()
            if case .symbol(let second) = token.kind, Expression.Comparison(rawValue: second) != nil {
                throw ExpressionError(
                    "comparisons cannot be chained", column: token.column, remedy: "write `a < b and b < c`")
            }
            return try made(.compare(comparison, left, right), column)
        }
        if take(word: "is") {
            let negated = take(word: "not")
            guard take(word: "null") else {
                throw ExpressionError("expected `null` after `is`", column: token.column, remedy: "write `is null`, `is not null` or `==`")
            }
            return try made(.isNull(left, negated: negated), column)
        }
        if token.kind == .word("not"), tokens[Swift.min(at + 1, tokens.count - 1)].kind == .word("in") {
            advance()
            advance()
            return try made(.isIn(left, try members(), negated: true), column)
        }
        if take(word: "in") { return try made(.isIn(left, try members(), negated: false), column) }
        return left
    }

    private mutating func members() throws(ExpressionError) -> [Expression] {
        let remedy = "write a list of literals, such as in (\"shoes\", \"bags\")"
        guard take(symbol: "(") else { throw ExpressionError("expected `(` after `in`", column: token.column, remedy: remedy) }
        var members: [Expression] = []
        repeat {
            let column = token.column
            let negative = take(symbol: "-")
            switch token.kind {
            case .number(var value):
                if negative { value.units = -value.units }
                members.append(Expression(.number(value), column: column))
            case .string(let text) where !negative: members.append(Expression(.string(text), column: column))
            case .word("true") where !negative: members.append(Expression(.bool(true), column: column))
            case .word("false") where !negative: members.append(Expression(.bool(false), column: column))
            default: throw ExpressionError("\(token.shown) is not a literal", column: token.column, remedy: remedy)
            }
            advance()
            guard members.count <= Self.maxMembers else {
                throw ExpressionError(
                    "`in` has more than \(Self.maxMembers) members", column: column, remedy: "mark such events with a field of their own")
            }
        } while take(symbol: ",")
        guard take(symbol: ")") else {
            throw ExpressionError("expected `,` or `)`, found \(token.shown)", column: token.column, remedy: remedy)
        }
        return members
    }

    private mutating func sum() throws(ExpressionError) -> Expression {
        var left = try product()
        while case .symbol(let symbol) = token.kind, symbol == "+" || symbol == "-" {
            let column = token.column
            advance()
            left = try made(.arithmetic(symbol == "+" ? .add : .subtract, left, try product()), column)
        }
        return left
    }

    private mutating func product() throws(ExpressionError) -> Expression {
        var left = try unary()
        while case .symbol(let symbol) = token.kind, symbol == "*" || symbol == "/" {
            let column = token.column
            advance()
            left = try made(.arithmetic(symbol == "*" ? .multiply : .divide, left, try unary()), column)
        }
        return left
    }

    private mutating func unary() throws(ExpressionError) -> Expression {
        let column = token.column
        guard take(symbol: "-") else { return try primary() }
        if case .number(var value) = token.kind {
            advance()
            value.units = -value.units
            return Expression(.number(value), column: column)
        }
        try enter()
        defer { nesting -= 1 }
        return try made(.negate(try unary()), column)
    }

    private mutating func primary() throws(ExpressionError) -> Expression {
        let start = token
        switch start.kind {
        case .number(let value):
            advance()
            return Expression(.number(value), column: start.column)
        case .string(let text):
            advance()
            return Expression(.string(text), column: start.column)
        case .word("true"), .word("false"), .word("null"):
            advance()
            let kind: Expression.Kind = start.kind == .word("null") ? .null : .bool(start.kind == .word("true"))
            return Expression(kind, column: start.column)
        case .name(let name):
            advance()
            guard take(symbol: "(") else { return Expression(.name(name), column: start.column) }
            return try made(.call(name, try arguments(openedAt: start.column)), start.column)
        case .symbol("("):
            advance()
            let inner = try expression()
            guard take(symbol: ")") else { throw unclosed(start.column) }
            return inner
        default:
            throw ExpressionError(
                "expected a value, found \(start.shown)", column: start.column, remedy: "write a name, a number, a \"string\" or ( ... )")
        }
    }

    private mutating func arguments(openedAt column: Int) throws(ExpressionError) -> [Expression] {
        if take(symbol: ")") { return [] }
        var arguments = [try expression()]
        while take(symbol: ",") {
            arguments.append(try expression())
            if arguments.count > Self.maxMembers {
                throw ExpressionError("too many arguments", column: column, remedy: "use at most \(Self.maxMembers)")
            }
        }
        guard take(symbol: ")") else { throw unclosed(column) }
        return arguments
    }

    private func unclosed(_ column: Int) -> ExpressionError {
        ExpressionError(
            "expected `)`, found \(token.shown)", column: token.column, remedy: "close the `(` of column \(column)")
    }
}
