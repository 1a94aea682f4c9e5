internal import Avro
import FeatureStore
import JSONBytes

/// Finds the values of a stream's paths in a record that libavro has read. Strings are copied into the batch: libavro uses its memory
/// again for the next record.
final class AvroProjection {
    private struct Access {
        var capture: Int
        /// Indexes of fields, from the record in.
        var steps: [Int]
        var conversion: AvroConversion
        /// One more than the value may have says that it has too many.
        var maxTextBytes: Int
    }

    private let accesses: [Access]
    /// Strings of the present record, and which capture each is of.
    private var texts: [(capture: Int, bytes: UnsafeRawBufferPointer)] = []
    private let decimals: UnsafeMutableRawBufferPointer
    /// Sign, 39 digits, point and a leading zero; or the exponent form of what is too large.
    private static let decimalBytes = 48

    init(
        _ plan: DecoderPlan, stream: String, schema: AvroSchema, json: [UInt8], options: LogOptions
    ) throws(DecoderSetupError) {
        let logical = AvroLogicalTypes(json)
        var accesses: [Access] = []
        for slot in plan.slots {
            guard let node = slot.node else { continue }
            do throws(SetupProblem) {
                let found = try AvroConversion.resolve(slot, in: schema.root, logical)
                guard !accesses.contains(where: { $0.capture == node.capture && $0.conversion.isInstant }) else { continue }
                accesses.removeAll { $0.capture == node.capture }
                accesses.append(Access(capture: node.capture, steps: found.steps, conversion: found.conversion, maxTextBytes: slot.maxBytes + 1))
            } catch {
                if error.isMissing, slot.role.isField, options.missingFieldsAreNull { continue }
                throw DecoderSetupError(
                    stream: stream, path: "\(slot.path)", problem: "\(slot.name): \(error.problem)", remedy: error.remedy)
            }
        }
        self.accesses = accesses
        decimals = .allocate(byteCount: max(1, accesses.count * Self.decimalBytes), alignment: 1)
    }

    deinit { decimals.deallocate() }

    /// Fills the captures; their positions are in the bytes that are returned, which `batch` owns.
    func scan(
        _ record: AvroValue, into captures: UnsafeMutablePointer<RawValue>, _ batch: EventBatch
    ) -> UnsafeRawBufferPointer {
        texts.removeAll(keepingCapacity: true)
        for (n, access) in accesses.enumerated() {
            captures[access.capture] = value(record, access, UnsafeMutableRawBufferPointer(
                rebasing: decimals[n * Self.decimalBytes..<(n + 1) * Self.decimalBytes]))
        }
        let room = batch.store(byteCount: texts.reduce(0) { $0 + $1.bytes.count })
        var at = 0
        for text in texts {
            UnsafeMutableRawBufferPointer(rebasing: room[at..<at + text.bytes.count]).copyMemory(from: text.bytes)
            captures[text.capture].position = Int32(at)
            captures[text.capture].length = Int32(text.bytes.count)
            at += text.bytes.count
        }
        return UnsafeRawBufferPointer(room)
    }

    private func value(_ record: AvroValue, _ access: Access, _ scratch: UnsafeMutableRawBufferPointer) -> RawValue {
        var at = record
        var raw = RawValue()
        for (depth, step) in access.steps.enumerated() {
            guard let field = at.field(step) else { return raw }
            switch field.scalar {
            case .record(let inner):
                at = inner
                if depth == access.steps.count - 1 { raw.kind = .container }
            case .null:
                raw.kind = depth == access.steps.count - 1 ? .null : .absent
                return raw
            case let scalar:
                guard depth == access.steps.count - 1 else {
                    raw.kind = .notAnObject
                    return raw
                }
                return convert(scalar, access, scratch)
            }
        }
        return raw
    }

    private func convert(
        _ scalar: AvroValue.Scalar, _ access: Access, _ scratch: UnsafeMutableRawBufferPointer
    ) -> RawValue {
        var raw = RawValue()
        switch scalar {
        case .null, .record: break
        case .collection: raw.kind = .container
        case .bool(let flag): (raw.kind, raw.word) = (.bool, flag ? 1 : 0)
        case .float(let number): (raw.kind, raw.word) = (.float, UInt64(number.bitPattern))
        case .double(let number): (raw.kind, raw.word) = (.double, number.bitPattern)
        case .integer(let number):
            (raw.kind, raw.word) = (.signed, UInt64(bitPattern: number))
            if case .instant(let multiplier, let divisor) = access.conversion {
                let product = number.multipliedReportingOverflow(by: multiplier)
                raw.kind = .instant
                // Beyond any event time either way; the decoder says so.
                raw.word = UInt64(bitPattern: product.overflow ? .max : AvroConversion.floor(product.partialValue, divisor))
            }
        case .string(let bytes):
            raw.kind = .text
            note(bytes, access)
        case .enumeration(let index):
            raw.kind = .text
            guard case .symbols(let symbols) = access.conversion, let symbol = symbols[index] else {
                raw.kind = .container
                break
            }
            note(symbol, access)
        case .bytes(let bytes):
            if case .decimal(let scale) = access.conversion {
                raw.kind = .number
                let count = AvroConversion.write(bytes, scale: scale, into: scratch)
                note(UnsafeRawBufferPointer(rebasing: scratch[..<count]), access)
            } else {
                raw.kind = .text
                note(bytes, access)
            }
        }
        return raw
    }

    private func note(_ text: UnsafeRawBufferPointer, _ access: Access) {
        texts.append((access.capture, UnsafeRawBufferPointer(rebasing: text.prefix(access.maxTextBytes))))
    }
}
