internal import FeatureStore
internal import Serving

/// A request's target taken apart: path segments (still encoded) and query parameters.
struct RequestTarget {
    let path: Substring
    /// `/a/b` has two; a trailing slash adds an empty one.
    let segments: [Substring]
    private let query: Substring?

    init(_ target: String) {
        let (path, query): (Substring, Substring?)
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            (path, query) = (target[..<mark], target[target.utf8.index(after: mark)...])
        } else {
            (path, query) = (target[...], nil)
        }
        self.path = path
        self.query = query
        // At most six parts: more than any route has.
        var parts: [Substring] = []
        parts.reserveCapacity(6)
        var start = path.utf8.startIndex
        if path.utf8.first == UInt8(ascii: "/") { start = path.utf8.index(after: start) }
        var at = start
        while at < path.utf8.endIndex, parts.count < 5 {
            if path.utf8[at] == UInt8(ascii: "/") {
                parts.append(path[start..<at])
                start = path.utf8.index(after: at)
            }
            at = path.utf8.index(after: at)
        }
        parts.append(path[start...])
        segments = parts
    }

    /// `as_of`, `max_staleness` and `min_position` of a lookup by GET, put into `request`.
    func lookupParameters(into request: inout LookupRequest) throws(LookupProblem) {
        var asked = request
        try forEachParameter(["as_of", "max_staleness", "min_position"]) { (name, value) throws(LookupProblem) in
            switch name {
            case "as_of":
                if asked.asOf != nil { return false }
                asked.asOf = try LookupRequest.asOf(text: value)
            case "max_staleness":
                if asked.maxStaleness != nil { return false }
                asked.maxStaleness = try LookupRequest.maxStaleness(text: value)
            default:
                if !asked.minPosition.isEmpty { return false }
                asked.minPosition = try LookupRequest.minPosition(text: value)
            }
            return true
        }
        request = asked
    }

    /// Those of an explanation, put into `query`. Returns whether the format named is text; nil: none is named.
    func explainParameters(into query: inout Explanation.Query) throws(LookupProblem) -> Bool? {
        var asText: Bool?
        var asked = query
        try forEachParameter(["as_of", "max_staleness", "service", "format"]) { (name, value) throws(LookupProblem) in
            switch name {
            case "as_of":
                if asked.asOf != nil { return false }
                asked.asOf = try LookupRequest.asOf(text: value)
            case "max_staleness":
                if asked.maxStaleness != nil { return false }
                asked.maxStaleness = try LookupRequest.maxStaleness(text: value)
            case "service":
                if asked.service != nil { return false }
                asked.service = value
            default:
                if asText != nil { return false }
                guard value == "text" || value == "json" else {
                    throw LookupProblem(.badRequest, detail: "There is no format \"\(value.prefix(64))\".", remedy: "Write format=text or format=json.")
                }
                asText = value == "text"
            }
            return true
        }
        query = asked
        return asText
    }

    /// Those of a monitored feature.
    func monitoringParameters() throws(LookupProblem) -> (entity: String?, hours: Int) {
        var entity: String?, hours: Int?
        try forEachParameter(["entity", "hours"]) { (name, value) throws(LookupProblem) in
            if name == "entity" {
                if entity != nil { return false }
                entity = value
            } else {
                if hours != nil { return false }
                guard let count = Int(value), LookupProblem.monitoringHours.contains(count) else { throw .badHours(value) }
                hours = count
            }
            return true
        }
        return (entity, hours ?? 168)
    }

    /// Calls `body` with each parameter; it answers false when it had that one before. Names beside `known` are errors: a misspelt `as_of` must
    /// not silently mean "now".
    private func forEachParameter(
        _ known: [String], _ body: (_ name: String, _ value: String) throws(LookupProblem) -> Bool
    ) throws(LookupProblem) {
        guard let query, !query.isEmpty else { return }
        for parameter in query.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = parameter.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(Substring(parts[0]))
            guard parts.count == 2, let value = percentDecoded(Substring(parts[1])) else {
                throw LookupProblem(
                    .badRequest, detail: "The parameter \"\(name.prefix(64))\" has no value, or one that is not percent-encoded UTF-8.",
                    remedy: "Write \(name.prefix(64))=value.")
            }
            guard known.contains(name) else { throw LookupProblem(unknownParameter: name, known: known) }
            if try !body(name, value) {
                throw LookupProblem(.badRequest, detail: "The parameter \"\(name)\" is given twice.", remedy: "Give it once.")
            }
        }
    }

    func noParameters() throws(LookupProblem) {
        guard let query, !query.isEmpty else { return }
        throw LookupProblem(unknownParameter: String(query.prefix { $0 != "=" && $0 != "&" }), known: [])
    }
}

/// Nil when an escape is malformed or the result is not UTF-8. `+` stays a plus: times have them, keys may.
func percentDecoded(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}
