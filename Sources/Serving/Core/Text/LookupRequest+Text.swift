public import FeatureStore

/// How a request writes its times, in the query string as in the body: µs as an integer, or text.
extension LookupRequest {
    public static func asOf(text: String) throws(LookupProblem) -> Int64 {
        if let microseconds = Int64(text) ?? TimeText.parse(text) { return microseconds }
        throw LookupProblem(
            .badRequest, detail: "as_of is \"\(text.prefix(64))\", which is not a time.",
            remedy: "Write RFC 3339, as in 2026-01-31T12:00:00Z, or microseconds since the epoch.")
    }

    public static func minPosition(text: String) throws(LookupProblem) -> [SourceOffset] {
        if let offsets = SourceOffset.parse(token: text) { return offsets }
        throw LookupProblem(
            .badRequest, detail: "min_position is \"\(text.prefix(64))\", which is not a position.",
            remedy: "Give the min_position that a push answered, as in scores/0@17.")
    }

    public static func maxStaleness(text: String) throws(LookupProblem) -> Microseconds {
        if let microseconds = Int64(text) ?? DurationText.parse(text, fine: true) { return microseconds }
        throw LookupProblem(
            .badRequest, detail: "max_staleness is \"\(text.prefix(64))\", which is not a duration.",
            remedy: "Write a number with us, ms, s, m, h or d, as in 5s, or microseconds.")
    }
}
