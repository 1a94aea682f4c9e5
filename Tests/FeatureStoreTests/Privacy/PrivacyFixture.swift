import FeatureStore
import Foundation
import Testing

/// The shop of `ShardFixture` with a topic of erasures, and what lies in its files.
enum PrivacyFixture {
    static let topics = ["clicks": 1, "erasures": 1]

    static func definitions(
        _ directory: String, durability: StoreSettings.Durability = .commit, key: String? = nil, isPseudonymous: Bool = false
    ) -> Definitions {
        var definitions = ShardFixture.definitions(directory, durability: durability)
        definitions.privacy.erasures = ErasureSettings(topic: "erasures")
        definitions.privacy.erasures?.entities = ["customer"]
        definitions.privacy.key = key.flatMap { PseudonymKey(hexadecimal: $0) }
        definitions.entities[0].isPseudonymous = isPseudonymous
        return definitions.withErasureStream()
    }

    enum Step {
        case click(ShardFixture.Click)
        case erase(String, receipt: String? = nil, time: Int64 = ShardFixture.noon)
    }

    static func batch(_ steps: [Step]) -> EventBatch {
        let batch = EventBatch(eventCapacity: 16)
        for step in steps {
            switch step {
            case .click(let click): ShardFixture.append(click, to: batch)
            case .erase(let key, let receipt, let time):
                let values = batch.reserveValues(3)
                values[0] = ShardFixture.text(key, in: batch)
                values[1] = ShardFixture.text("customer", in: batch)
                if let receipt { values[2] = ShardFixture.text(receipt, in: batch) }
                batch.append(stream: 1, time: time, id: 0, valueCount: 3)
            }
        }
        return batch
    }

    static func progress(clicks: Int64? = nil, erasures: Int64? = nil) -> BatchProgress {
        var progress = BatchProgress(streamCount: 2)
        progress.positions[0] = clicks.map { .init(nextOffset: $0, newestRecordTime: ShardFixture.noon) }
        progress.positions[1] = erasures.map { .init(nextOffset: $0, newestRecordTime: ShardFixture.noon) }
        return progress
    }

    static func open(_ definitions: Definitions) throws -> Shard {
        try Shard(number: 0, definitions: definitions, directory: definitions.store.directory, partitionCounts: topics)
    }

    /// Where `text` lies in the files of a directory; empty: nowhere.
    static func find(_ text: String, in directory: String) throws -> [String] {
        let needle = Data(text.utf8)
        var found: [String] = []
        let walker = try #require(FileManager.default.enumerator(atPath: directory))
        for case let path as String in walker {
            var isDirectory: ObjCBool = false
            let whole = directory + "/" + path
            guard FileManager.default.fileExists(atPath: whole, isDirectory: &isDirectory), !isDirectory.boolValue else { continue }
            if try Data(contentsOf: URL(filePath: whole)).range(of: needle) != nil { found.append(path) }
        }
        return found
    }
}
