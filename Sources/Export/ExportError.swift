/// Why an export cannot be made; the text says where and what to do.
public struct ExportError: Error, Equatable, CustomStringConvertible {
    public var what: String
    public var remedy: String

    public init(_ what: String, remedy: String) {
        self.what = what
        self.remedy = remedy
    }

    public var description: String { "\(what)\n  \(remedy)" }
}
