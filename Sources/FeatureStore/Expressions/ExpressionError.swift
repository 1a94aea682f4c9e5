/// Why an expression was not accepted, where, and what would be right.
public struct ExpressionError: Error, Equatable, CustomStringConvertible {
    public var message: String
    /// What to write instead.
    public var remedy: String
    /// Of the offending part, from 1, in Unicode scalars: what an editor shows.
    public var column: Int

    public init(_ message: String, column: Int, remedy: String) {
        self.message = message
        self.remedy = remedy
        self.column = column
    }

    public var description: String { "column \(column): \(message)\n  \(remedy)" }
}
