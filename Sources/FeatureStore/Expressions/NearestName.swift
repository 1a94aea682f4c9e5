/// The known name that someone probably meant, for error messages.
package enum NearestName {
    /// The candidate with the smallest edit distance to `name`, when that is small enough to be a slip; else nil. Ties go to the first.
    package static func of(_ name: String, in candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard wanted.count <= 128 else { return nil }
        let limit = Swift.max(1, wanted.count / 3 + 1)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate.utf8.count <= 128 {
            let distance = distance(wanted, Array(candidate.lowercased().utf8))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// "did you mean `x`?" when there is something near, else the first few of what there is.
    static func remedy(_ name: String, in candidates: [String], what: String) -> String {
        if let nearest = of(name, in: candidates) { return "did you mean `\(nearest)`?" }
        if candidates.isEmpty {
            // What stands behind the first semicolon is advice.
            let end = what.firstIndex(of: ";") ?? what.endIndex
            return "there is no \(what[..<end]) yet\(what[end...])"
        }
        let shown = candidates.prefix(12).joined(separator: ", ")
        return "known: \(shown)\(candidates.count > 12 ? ", ... (\(candidates.count) in all)" : "")"
    }

    /// Insertions, deletions, substitutions and exchanges of neighbours that lead from `a` to `b`. O(a·b).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return Swift.max(a.count, b.count) }
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [Int](repeating: i, count: b.count + 1)
            for j in 1...b.count {
                row[j] = Swift.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = Swift.min(row[j], before[j - 2] + 1) }
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
