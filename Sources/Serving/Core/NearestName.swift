/// The name that was probably meant: the one at the smallest edit distance, if that is small for a word of this length.
///
/// O(names × length²); both are bounded, names of more than 64 bytes are not compared.
func nearestName(to wrong: String, among names: [String]) -> String? {
    let wrong = Array(wrong.utf8)
    guard !wrong.isEmpty, wrong.count <= 64 else { return nil }
    var best: (name: String, distance: Int)?
    for name in names where name.utf8.count <= 64 {
        let distance = editDistance(wrong, Array(name.utf8))
        if distance < best?.distance ?? Int.max { best = (name, distance) }
    }
    guard let best, best.distance <= max(2, wrong.count / 3) else { return nil }
    return best.name
}

/// Levenshtein's distance, two rows at a time.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
            diagonal = above
        }
    }
    return row[b.count]
}
