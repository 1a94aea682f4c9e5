internal import FeatureStore
internal import JSONBytes

/// What many answers have.
extension JSONWriter {
    mutating func optional<T>(_ value: T?, _ write: (inout JSONWriter, T) -> Void) {
        if let value { write(&self, value) } else { null() }
    }

    mutating func array<T>(_ values: some Sequence<T>, _ write: (inout JSONWriter, T) -> Void) {
        beginArray()
        for value in values { write(&self, value) }
        endArray()
    }

    /// An array of objects.
    mutating func list<T>(_ values: some Sequence<T>, _ write: (inout JSONWriter, T) -> Void) {
        beginArray()
        for value in values {
            beginObject()
            write(&self, value)
            endObject()
        }
        endArray()
    }

    mutating func time(_ name: StaticString, _ time: Int64?) {
        key(name)
        optional(time) { $0.time($1) }
    }

    mutating func milliseconds(_ name: StaticString, _ duration: Microseconds?) {
        key(name)
        optional(duration) { $0.decimal(units: Int128($1), scale: 3) }
    }

    /// Where records are in their topics.
    mutating func offsets(_ offsets: [SourceOffset]) {
        member("min_position", SourceOffset.token(offsets))
        key("positions")
        list(offsets) { json, offset in
            json.member("topic", offset.topic)
            json.member("partition", offset.partition)
            json.member("offset", offset.offset)
        }
    }

    /// Only what is said of it.
    mutating func classification(_ said: Classification) {
        if !said.tags.isEmpty {
            key("tags")
            strings(said.tags)
        }
        if !said.owner.isEmpty { member("owner", said.owner) }
        if !said.purpose.isEmpty { member("purpose", said.purpose) }
    }
}
