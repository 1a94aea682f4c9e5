internal import FeatureStore
internal import Foundation
internal import JSONBytes

/// What a snapshot holds, for people.
enum SnapshotReport {
    static func text(_ manifest: SnapshotManifest) -> String {
        var lines = manifest.shards.map { shard in
            let positions = shard.positions.map { "\($0.topic) \($0.offset)" }.joined(separator: ", ")
            return "shard \(shard.number): \(StatusLine.grouped(Int64(shard.rows))) rows, \(size(shard.fileBytes)), "
                + "taken \(JSONWriter.text(time: shard.taken, characters: 19)), at \(positions.isEmpty ? "no position" : positions)"
        }
        let share = manifest.dataBytes > 0 ? Double(manifest.fileBytes) / Double(manifest.dataBytes) * 100 : 100
        lines.append(
            "\(manifest.shards.count) shards, \(StatusLine.grouped(Int64(manifest.rows))) rows, \(size(manifest.fileBytes)) "
                + "(\(Int(share.rounded())) % of the data), by \(manifest.program)")
        return lines.joined(separator: "\n")
    }

    static func size(_ bytes: Int) -> String {
        var value = Double(bytes), unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 { (value, unit) = (value / 1024, next) }
        return unit == "B" ? "\(bytes) B" : "\(String(format: "%.1f", value)) \(unit)"
    }
}
