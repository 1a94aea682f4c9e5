/// A stream that cannot be decoded as its definition says. Found once, at start; the remedy says what to change.
public struct DecoderSetupError: Error, Sendable, Equatable, CustomStringConvertible {
    public let stream: String
    /// Path of the field that is at fault, if one is.
    public let path: String?
    public let problem: String
    public let remedy: String

    public var description: String {
        "stream `\(stream)`\(path.map { ", field `\($0)`" } ?? ""): \(problem); \(remedy)"
    }
}

/// A setup error of which the stream is not known yet.
struct SetupProblem: Error {
    let problem: String
    let remedy: String
}

/// The candidate that is nearest to `name` by edits, when it is near enough to be meant.
func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
    let wanted = Array(name.lowercased())
    return candidates.map { (name: $0, distance: distance(wanted, Array($0.lowercased()))) }
        .filter { $0.distance <= max(2, name.count / 2) }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}
