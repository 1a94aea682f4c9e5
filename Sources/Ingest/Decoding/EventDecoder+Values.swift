import FeatureStore
import JSONBytes

/// From what a scanner found to what the stream declares. The rules are those of `docs/EVENTS.md`.
extension EventDecoder {
    /// How long a text may be.
    struct Limit {
        let bytes: Int
        let problem: DecodeProblem

        static var key: Limit { Limit(bytes: EventDecoder.maxKeyBytes, problem: .keyTooLong) }
        static var string: Limit { .string(EventDecoder.maxStringBytes) }
        static func string(_ maxBytes: Int) -> Limit { Limit(bytes: maxBytes, problem: .stringTooLong) }
    }

    @inline(__always)
    func value(
        for target: ValueTarget, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> FieldValue {
        if target.kind == .key { return try identifier(Int(target.capture), limit: .key, in: payload, batch) }
        let raw = captures[Int(target.capture)]
        switch raw.kind {
        case .absent, .null: return .null
        case .notAnObject: throw .insideNoObject
        default: break
        }
        switch target.kind {
        case .string:
            if raw.kind == .enumeration { return enumName(raw, capture: Int(target.capture), batch) }
            guard raw.kind == .text else { throw .wrongType }
            return .string(try text(raw, limit: .string(Int(target.bound)), in: payload, batch))
        case .bool:
            guard raw.kind == .bool else { throw .wrongType }
            return .integer(Int64(bitPattern: raw.word))
        // The empty text of a Protobuf field that nobody set is no number, and no mistake either.
        case .int64 where raw.isDefault && raw.kind == .text, .decimal where raw.isDefault && raw.kind == .text,
            .double where raw.isDefault && raw.kind == .text:
            return .null
        case .vector, .doubles: return try vector(raw, target, in: payload, batch)
        case .int64: return .integer(try number(raw, scale: 0, isWhole: true, in: payload, batch))
        case .double: return .integer(try double(raw, in: payload, batch))
        default: return .integer(try number(raw, scale: Int(target.scale), isWhole: false, in: payload, batch))
        }
    }

    /// A key or an id: its bytes as they are, or the decimal text of an integer.
    func identifier(
        _ capture: Int, limit: Limit, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> FieldValue {
        let raw = captures[capture]
        // A Protobuf default says only that the producer set nothing: no event is about customer 0 for that reason.
        if raw.isDefault { throw .missing }
        switch raw.kind {
        case .absent, .null: throw .missing
        case .notAnObject: throw .insideNoObject
        case .text:
            let bytes = try text(raw, limit: limit, in: payload, batch)
            guard bytes.count > 0 else { throw .blank }
            return .string(bytes)
        case .number:
            let written = slice(raw, of: payload)
            // The text of a plain integer is canonical already, and may exceed Int64 as Protobuf's unsigned do.
            if written.count <= JSONNumber.maxIntegerBytes, isPlainInteger(written) { return .string(written) }
            switch JSONNumber.parseInt64(written) {
            case .value(let value): return decimalText(batch) { JSONNumber.write(value, into: $0) }
            case .notANumber: throw .notWhole
            case .outOfRange: throw .outOfRange
            }
        case .signed: return decimalText(batch) { JSONNumber.write(Int64(bitPattern: raw.word), into: $0) }
        case .unsigned: return decimalText(batch) { JSONNumber.write(raw.word, into: $0) }
        default: throw .wrongType
        }
    }

    /// A number in units of `10^-scale`. Int64.min is no legal value: the store reserves it.
    func number(
        _ raw: RawValue, scale: Int, isWhole: Bool, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> Int64 {
        let parsed: JSONNumber.Parsed
        switch raw.kind {
        case .number, .text:
            let written = raw.kind == .number ? slice(raw, of: payload) : try text(raw, limit: .string, in: payload, batch)
            parsed = isWhole ? JSONNumber.parseInt64(written) : JSONNumber.parseDecimal(written, scale: scale)
        case .signed, .instant: parsed = Self.scaled(Int64(bitPattern: raw.word), scale)
        case .unsigned: parsed = Int64(exactly: raw.word).map { Self.scaled($0, scale) } ?? .outOfRange
        case .double: parsed = FloatingDecimal.units(Double(bitPattern: raw.word), scale: scale)
        case .float:
            parsed = FloatingDecimal.units(Float(bitPattern: UInt32(truncatingIfNeeded: raw.word)), scale: scale)
        default: throw .wrongType
        }
        switch parsed {
        case .value(let value):
            guard value != .min else { throw .outOfRange }
            return value
        case .notANumber: throw isWhole && raw.kind == .number ? .notWhole : .notANumber
        case .outOfRange: throw .outOfRange
        }
    }

    /// The bits of a double: the nearest one to a number that is written in digits. Never those of -0, which is 0: the store reserves them.
    func double(_ raw: RawValue, in payload: UnsafeRawBufferPointer, _ batch: EventBatch) throws(DecodeProblem) -> Int64 {
        let value: Double
        switch raw.kind {
        case .number, .text:
            let written = raw.kind == .number ? slice(raw, of: payload) : try text(raw, limit: .string, in: payload, batch)
            guard let parsed = JSONNumber.parseDouble(written) else { throw .notANumber }
            value = parsed
        case .signed: value = Double(Int64(bitPattern: raw.word))
        case .unsigned: value = Double(raw.word)
        case .double: value = Double(bitPattern: raw.word)
        case .float: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: raw.word)))
        default: throw .wrongType
        }
        guard value.isFinite else { throw value.isNaN ? .notANumber : .outOfRange }
        return Int64(bitPattern: (value + 0).bitPattern)
    }

    /// The bytes that a string means: in the record, or unescaped in the batch's store.
    func text(
        _ raw: RawValue, limit: Limit, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> UnsafeRawBufferPointer {
        var bytes = slice(raw, of: payload)
        if raw.hasEscapes {
            // Six bytes are the longest escape of one byte, so this bounds the store before anything is written.
            guard bytes.count <= limit.bytes * 6 else { throw limit.problem }
            let room = batch.store(byteCount: bytes.count)
            do throws(JSONError) {
                let string = JSONString(bytes: bytes, position: Int(raw.position), hasEscapes: true)
                bytes = UnsafeRawBufferPointer(rebasing: room[..<(try string.unescape(into: room))])
            } catch {
                throw .jsonEscape
            }
        }
        guard bytes.count <= limit.bytes else { throw limit.problem }
        guard raw.isUTF8 || UTF8Validation.isValid(bytes) else { throw .badUTF8 }
        return bytes
    }

    // MARK: -

    @inline(__always)
    func slice(_ raw: RawValue, of payload: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: payload[Int(raw.position)..<Int(raw.position) + Int(raw.length)])
    }

    private static func scaled(_ value: Int64, _ scale: Int) -> JSONNumber.Parsed {
        var power: Int64 = 1
        for _ in 0..<scale { power *= 10 }
        let product = value.multipliedReportingOverflow(by: power)
        return product.overflow ? .outOfRange : .value(product.partialValue)
    }

    /// Digits, perhaps a sign, and not the `-0` that means `0`.
    private func isPlainInteger(_ text: UnsafeRawBufferPointer) -> Bool {
        for (n, byte) in text.enumerated() {
            if 0x30...0x39 ~= byte || (n == 0 && byte == UInt8(ascii: "-")) { continue }
            return false
        }
        return !(text.count == 2 && text[0] == UInt8(ascii: "-") && text[1] == UInt8(ascii: "0"))
    }

    private func decimalText(
        _ batch: EventBatch, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> FieldValue {
        let room = batch.store(byteCount: JSONNumber.maxIntegerBytes)
        let count = write(room)
        return .string(UnsafeRawBufferPointer(rebasing: room[..<count]))
    }

    /// The name in the schema, or the number of a value that the schema does not have. Copied, so that the batch does not depend on
    /// the decoder.
    private func enumName(_ raw: RawValue, capture: Int, _ batch: EventBatch) -> FieldValue {
        let number = Int32(truncatingIfNeeded: raw.word)
        guard let name = enumNames[capture]?.name(of: number) else {
            return decimalText(batch) { JSONNumber.write(Int64(number), into: $0) }
        }
        let room = batch.store(byteCount: name.count)
        room.copyMemory(from: name)
        return .string(UnsafeRawBufferPointer(room))
    }
}
