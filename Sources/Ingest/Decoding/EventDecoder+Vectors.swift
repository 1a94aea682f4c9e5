import FeatureStore
import JSONBytes

/// Vectors: JSON arrays of numbers, and repeated numeric Protobuf fields, packed or not. `docs/EVENTS.md` states the rules.
extension EventDecoder {
    func vector(
        _ raw: RawValue, _ target: ValueTarget, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> FieldValue {
        var elements = Elements(room: batch.store(byteCount: 8 * Int(target.bound)))
        switch raw.kind {
        case .array: try readArray(raw, target, in: payload, batch, &elements)
        case .repeated:
            try readRepeated(raw, target, in: payload, batch, &elements)
            if elements.isEmpty { return .null }  // Protobuf does not tell "none" from "not set".
        default: throw .wrongType
        }
        guard elements.isFull else { throw .wrongDimension }
        return .vector(UnsafeRawBufferPointer(elements.room))
    }

    private func element(
        _ raw: RawValue, _ target: ValueTarget, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> Int64 {
        if target.kind == .doubles { return try double(raw, in: payload, batch) }
        return try number(raw, scale: Int(target.scale), isWhole: false, in: payload, batch)
    }

    /// The elements so far; no more than there is room for.
    private struct Elements {
        let room: UnsafeMutableRawBufferPointer
        private var count = 0

        init(room: UnsafeMutableRawBufferPointer) { self.room = room }

        var isEmpty: Bool { count == 0 }
        var isFull: Bool { 8 * count == room.count }

        mutating func append(_ word: Int64) throws(DecodeProblem) {
            guard !isFull else { throw .wrongDimension }
            room.storeBytes(of: word, toByteOffset: 8 * count, as: Int64.self)
            count += 1
        }
    }

    /// The scanner has checked the grammar.
    private func readArray(
        _ raw: RawValue, _ target: ValueTarget, in payload: UnsafeRawBufferPointer, _ batch: EventBatch, _ elements: inout Elements
    ) throws(DecodeProblem) {
        do {
            var reader = JSONReader(slice(raw, of: payload))
            try reader.beginArray()
            while try reader.nextElement() {
                guard try reader.peek() == .number else { throw DecodeProblem.wrongType }
                var element = RawValue(position: raw.position + Int32(truncatingIfNeeded: reader.position), kind: .number)
                element.length = Int32(truncatingIfNeeded: try reader.readNumber().count)
                try elements.append(self.element(element, target, in: payload, batch))
            }
        } catch let problem as DecodeProblem {
            throw problem
        } catch {
            throw .wrongType
        }
    }

    private func readRepeated(
        _ raw: RawValue, _ target: ValueTarget, in payload: UnsafeRawBufferPointer, _ batch: EventBatch, _ elements: inout Elements
    ) throws(DecodeProblem) {
        guard let kind = ProtobufField.Kind(rawValue: UInt8(truncatingIfNeeded: raw.word >> 32)) else { throw .wrongType }
        let wanted = Int32(truncatingIfNeeded: raw.word)
        var reader = WireReader(payload, in: Int(raw.position)..<Int(raw.position) + Int(raw.length))
        while !reader.isAtEnd {
            let (field, wire) = try reader.tag()
            if field == wanted, wire == kind.wire {
                try elements.append(element(ProtobufProjection.read(kind, &reader), target, in: payload, batch))
            } else if field == wanted, wire == .lengthDelimited {
                var packed = WireReader(payload, in: try reader.lengthDelimited())
                while !packed.isAtEnd {
                    try elements.append(element(ProtobufProjection.read(kind, &packed), target, in: payload, batch))
                }
            } else {
                try reader.skip(wire, field: field)
            }
        }
    }
}
