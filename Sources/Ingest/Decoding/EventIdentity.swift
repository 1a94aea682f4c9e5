import FeatureStore

/// The identity of an event that names none: a hash over all its values, keys first. It only breaks ties between events of one time.
enum EventIdentity {
    /// Per value, each hash seeded with the one before: kind byte and length in one word; then the word of an integer or the
    /// bytes of a string. A null is its first word alone.
    static func hash(_ values: UnsafeMutablePointer<FieldValue>, count: Int) -> UInt64 {
        var hash: UInt64 = 0
        for n in 0..<count {
            let value = values[n]
            hash = XXHash64.hash(Int64(value.kind.rawValue) | Int64(value.length) << 8, seed: hash)
            switch value.kind {
            case .null: break
            case .integer: hash = XXHash64.hash(value.word, seed: hash)
            case .string, .vector: hash = XXHash64.hash(value.bytes, seed: hash)
            }
        }
        return hash
    }
}
