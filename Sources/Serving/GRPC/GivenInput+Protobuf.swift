internal import FeatureStore

extension [String: GivenInput] {
    /// One entry of `map<string, Value> inputs`; as maps have it, the last one of a name counts.
    mutating func readEntry(_ reader: inout ProtobufReader) throws(MalformedMessage) {
        var entry = try reader.message()
        var name = ""
        var value = GivenInput.null
        while let field = try entry.nextField() {
            switch (field.number, field.type) {
            case (1, .bytes): name = try entry.string()
            case (2, .bytes):
                var message = try entry.message()
                value = try GivenInput(&message)
            default: try entry.skip(field.type)
            }
        }
        self[name] = value
    }
}

extension GivenInput {
    /// `Value`, of which an input is a bool, a number or a string; a double is taken as the shortest text that denotes it.
    fileprivate init(_ message: inout ProtobufReader) throws(MalformedMessage) {
        self = .null
        while let field = try message.nextField() {
            switch (field.number, field.type) {
            case (1, .varint): self = .bool(try message.varint() != 0)
            case (2, .varint): self = .number(String(Int64(bitPattern: try message.varint())))
            case (3, .fixed64): self = .number(String(Double(bitPattern: try message.fixed64())))
            case (4, .bytes): self = .string(try message.string())
            case (5, .bytes):
                var decimal = try message.message()
                var text = ""
                while let part = try decimal.nextField() {
                    if part.number == 1, part.type == .bytes { text = try decimal.string() } else { try decimal.skip(part.type) }
                }
                self = .number(text)
            // A list or a map is of no input's type.
            case (6, .bytes), (7, .bytes):
                try message.skip(field.type)
                self = .number("")
            default: try message.skip(field.type)
            }
        }
    }
}
