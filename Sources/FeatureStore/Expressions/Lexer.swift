/// Cuts an expression's text into tokens.
///
/// Total: any text gives tokens or an error with a column. O(length); at most `maxLength` scalars.
struct Lexer {
    static let maxLength = 8192

    private let text: [Unicode.Scalar]
    private var at = 0

    private init(_ text: String) { self.text = Array(text.unicodeScalars) }

    static func tokens(of text: String) throws(ExpressionError) -> [Token] {
        var lexer = Lexer(text)
        guard lexer.text.count <= maxLength else {
            throw ExpressionError(
                "the expression has \(lexer.text.count) characters, at most \(maxLength) are allowed", column: 1,
                remedy: "split it into several derived features")
        }
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(Token(kind: .end, column: lexer.text.count + 1))
        return tokens
    }

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        at + offset < text.count ? text[at + offset] : nil
    }

    private mutating func next() throws(ExpressionError) -> Token? {
        while let scalar = peek(), scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { at += 1 }
        guard let scalar = peek() else { return nil }
        let column = at + 1
        if Self.isDigit(scalar) { return Token(kind: .number(try number()), column: column) }
        if Self.isLetter(scalar) { return word(column: column) }
        if scalar == "\"" || scalar == "'" { return Token(kind: .string(try string(quote: scalar)), column: column) }
        return Token(kind: .symbol(try symbol(scalar)), column: column)
    }

    private mutating func word(column: Int) -> Token {
        let start = at
        while let scalar = peek(), Self.isLetter(scalar) || Self.isDigit(scalar) || scalar == "." { at += 1 }
        let word = Self.string(text[start..<at])
        return Token(kind: Token.words.contains(word) ? .word(word) : .name(word), column: column)
    }

    private mutating func number() throws(ExpressionError) -> Decimal128 {
        let column = at + 1
        var units: Int128 = 0, digits = 0, scale = 0, point = false
        while let scalar = peek() {
            if scalar == ".", !point, let after = peek(1), Self.isDigit(after) {
                point = true
            } else if Self.isDigit(scalar) {
                digits += 1
                if point { scale += 1 }
                guard digits <= Decimal128.maxDigits, scale <= Decimal128.maxScale else {
                    throw ExpressionError(
                        "this number has too many digits", column: column,
                        remedy: "use at most \(Decimal128.maxDigits) digits, \(Decimal128.maxScale) of them after the point")
                }
                units = units * 10 + Int128(scalar.value - 48)
            } else {
                break
            }
            at += 1
        }
        if let scalar = peek(), Self.isLetter(scalar) || scalar == "." {
            throw ExpressionError(
                "a number cannot go on with `\(scalar)`", column: at + 1,
                remedy: "write numbers in full, such as 1000000 or 0.001; durations and sizes have no unit here")
        }
        return Decimal128(units: units, scale: scale)
    }

    private mutating func string(quote: Unicode.Scalar) throws(ExpressionError) -> String {
        let column = at + 1
        var result = String.UnicodeScalarView()
        at += 1
        while let scalar = peek() {
            at += 1
            if scalar == quote { return String(result) }
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            guard let escaped = peek(), escaped == "\\" || escaped == "\"" || escaped == "'" else {
                throw ExpressionError(
                    "a backslash in a string must be followed by a quote or a backslash", column: at,
                    remedy: "write \\\\ for a backslash")
            }
            result.append(escaped)
            at += 1
        }
        throw ExpressionError("this string does not end", column: column, remedy: "close it with \(quote)")
    }

    private mutating func symbol(_ scalar: Unicode.Scalar) throws(ExpressionError) -> String {
        let column = at + 1
        if let after = peek(1) {
            let pair = Self.string([scalar, after])
            switch pair {
            case "==", "!=", "<=", ">=":
                at += 2
                return pair
            case "&&": throw ExpressionError("`&&` is not an operator here", column: column, remedy: "write `and`")
            case "||": throw ExpressionError("`||` is not an operator here", column: column, remedy: "write `or`")
            case "<>": throw ExpressionError("`<>` is not an operator here", column: column, remedy: "write `!=`")
            case "**": throw ExpressionError("`**` is not an operator here", column: column, remedy: "multiply instead")
            default: break
            }
        }
        switch scalar {
        case "(", ")", ",", "+", "-", "*", "/", "<", ">":
            at += 1
            return String(scalar)
        case "=": throw ExpressionError("`=` is not an operator here", column: column, remedy: "write `==` to compare")
        case "!": throw ExpressionError("`!` is not an operator here", column: column, remedy: "write `not`")
        default:
            throw ExpressionError(
                "unexpected character `\(scalar)`", column: column,
                remedy: "expressions have names, numbers, \"strings\", ( ) , + - * / == != < <= > >= and or not in is")
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z") || scalar == "_"
    }
    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
