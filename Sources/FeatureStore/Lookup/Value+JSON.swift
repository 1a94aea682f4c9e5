public import JSONBytes

extension JSONWriter {
    /// Decimals are numbers with every digit, maps are objects, lists are arrays.
    public mutating func value(_ value: Value) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .decimal(let units, let scale): decimal(units: units, scale: scale)
        case .double(let value): double(value)
        case .string(let text): string(text)
        case .list(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .map(let entries):
            beginObject()
            for entry in entries {
                key(named: entry.key)
                self.value(entry.value)
            }
            endObject()
        }
    }
}
