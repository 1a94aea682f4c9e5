/// A piece of an expression's text.
struct Token: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case number(Decimal128)
        case string(String)
        case name(String)
        /// `and or not in is null true false`.
        case word(String)
        /// `( ) , + - * / == != < <= > >=`.
        case symbol(String)
        case end
    }
    var kind: Kind
    /// From 1, in Unicode scalars.
    var column: Int

    /// Names that no field and no feature may have.
    static let words: Set<String> = ["and", "or", "not", "in", "is", "null", "true", "false"]

    /// As an error message shows it.
    var shown: String {
        switch kind {
        case .number(let value): value.scale == 0 ? "\(value.units)" : "the number"
        case .string(let text): "\"\(text)\""
        case .name(let text), .word(let text), .symbol(let text): "`\(text)`"
        case .end: "the end"
        }
    }
}
