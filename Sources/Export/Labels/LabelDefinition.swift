public import FeatureStore

/// What to tell of the time after a request: "did the customer do X within N days".
///
///     bought=any(purchases) within 7d
///     spend=sum(purchases.amount) within 30d where currency == "EUR"
///     orders=count(purchases) within 30d by category
///
/// A label of a request at `t` covers the accepted events with `t < event time ≤ t + horizon`.
public struct LabelDefinition: Sendable, Equatable {
    public enum Aggregation: Sendable, Equatable { case any, count, sum(field: String) }

    public var name: String
    public var aggregation: Aggregation
    public var stream: String
    public var horizon: Microseconds
    /// One value per value of this field.
    public var by: String?
    /// An expression over the stream's fields.
    public var filter: String?

    public init(
        name: String, aggregation: Aggregation, stream: String, horizon: Microseconds, by: String? = nil, filter: String? = nil
    ) {
        self.name = name
        self.aggregation = aggregation
        self.stream = stream
        self.horizon = horizon
        self.by = by
        self.filter = filter
    }

    private static let form = "write NAME=any(STREAM), count(STREAM) or sum(STREAM.FIELD), then `within 7d`, and where wanted `by FIELD` and `where CONDITION`"

    /// Reads the text of `--label`. Names are not looked up yet.
    public init(parsing text: String) throws(ExportError) {
        func fault(_ what: String) -> ExportError { ExportError("label `\(text)`: \(what)", remedy: Self.form) }
        guard let equals = text.firstIndex(of: "=") else { throw fault("there is no `=` after its name") }
        name = Self.trim(text[..<equals])
        guard let first = name.utf8.first, (0x61...0x7a).contains(first), name.utf8.count <= 100,
            name.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f })
        else { throw fault("its name is not one: a-z, 0-9 and _, a letter first, at most 100 characters") }
        var rest = text[text.index(after: equals)...]

        guard let open = rest.firstIndex(of: "("), let close = rest.firstIndex(of: ")"), open < close else {
            throw fault("there is no STREAM in brackets")
        }
        let function = Self.trim(rest[..<open])
        let parts = Self.trim(rest[rest.index(after: open)..<close]).split(separator: ".", maxSplits: 1).map(String.init)
        guard let named = parts.first else { throw fault("there is no STREAM in the brackets") }
        stream = named
        switch function {
        case "any", "count":
            guard parts.count == 1 else { throw fault("\(function) takes a stream, no field; a condition goes after `where`") }
            aggregation = function == "any" ? .any : .count
        case "sum":
            guard parts.count == 2 else { throw fault("sum needs a field, as in sum(\(named).amount)") }
            aggregation = .sum(field: parts[1])
        default: throw fault("there is no `\(function)`; there are any, count and sum")
        }
        rest = rest[rest.index(after: close)...]

        guard Self.word(&rest) == "within" else { throw fault("`within` and a duration must follow `\(function)(...)`") }
        let duration = Self.word(&rest)
        guard let horizon = DurationText.parse(duration), horizon > 0 else {
            throw fault("`\(duration)` is not a duration such as 12h or 30d")
        }
        self.horizon = horizon
        by = nil
        filter = nil
        var next = Self.word(&rest)
        if next == "by" {
            let field = Self.word(&rest)
            guard !field.isEmpty else { throw fault("a field must follow `by`") }
            by = field
            next = Self.word(&rest)
        }
        if next == "where" {
            let condition = Self.trim(rest)
            guard !condition.isEmpty else { throw fault("a condition must follow `where`") }
            filter = condition
        } else if !next.isEmpty {
            throw fault("`\(next)` is not expected there")
        }
    }

    private static func trim(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// Takes the next word off `text`; empty at the end.
    private static func word(_ text: inout Substring) -> String {
        let start = text.drop { $0.isWhitespace }
        let word = start.prefix { !$0.isWhitespace }
        text = start.dropFirst(word.count)
        return String(word)
    }
}
