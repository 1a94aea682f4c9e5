internal import Avro
import FeatureStore
import JSONBytes

/// What an Avro value means beyond its type: a time, a decimal, an enum's names.
enum AvroConversion {
    case none
    /// Counts of a timestamp's unit to µs.
    case instant(multiplier: Int64, divisor: Int64)
    /// Bytes that are a big-endian integer of `10^-scale`.
    case decimal(scale: Int)
    case symbols(AvroSymbols)

    var isInstant: Bool { if case .instant = self { true } else { false } }

    /// Where a slot's path leads in the schema, through unions with null, and how the value there is read.
    static func resolve(
        _ slot: DecoderPlan.Slot, in root: AvroType, _ logical: AvroLogicalTypes
    ) throws(SetupProblem) -> (steps: [Int], conversion: AvroConversion) {
        var type = root
        var steps: [Int] = []
        for (depth, name) in slot.path.parts.enumerated() {
            let record = try single(type)
            guard record.kind == .record else {
                let before = slot.path.parts[..<depth].joined(separator: ".")
                throw SetupProblem(
                    problem: depth == 0 ? "the file's records are \(record.kind)s" : "`\(before)` is no record, so it has no `\(name)`",
                    remedy: depth == 0 ? "write records" : "end the path at `\(before)`")
            }
            let fields = record.fields
            guard let index = fields.firstIndex(where: { $0.name == name }) else {
                let near = NearestName.of(name, in: fields.map(\.name)).map { "did you mean `\($0)`?" }
                throw SetupProblem(
                    problem: "the file's schema has no field `\(name)`\(depth == 0 ? "" : " there")",
                    remedy: near ?? "it has \(fields.map(\.name).joined(separator: ", "))", isMissing: true)
            }
            steps.append(index)
            type = fields[index].type
        }
        let leaf = try single(type)
        let annotation = logical.annotation(at: slot.path.parts)
        let conversion: AvroConversion = switch (leaf.kind, annotation?.name) {
        case (.long, "timestamp-millis") where slot.role.isTime: .instant(multiplier: 1_000, divisor: 1)
        case (.long, "timestamp-micros") where slot.role.isTime: .instant(multiplier: 1, divisor: 1)
        case (.long, "timestamp-nanos") where slot.role.isTime: .instant(multiplier: 1, divisor: 1_000)
        case (.bytes, "decimal"), (.fixed, "decimal"): .decimal(scale: annotation?.scale ?? 0)
        case (.enumeration, _): .symbols(AvroSymbols(leaf.symbols))
        default: .none
        }
        guard fits(leaf.kind, conversion, slot.role) else {
            throw SetupProblem(
                problem: "its type in the file's schema is \(leaf.kind)\(annotation.map { " (\($0.name))" } ?? "")",
                remedy: "the stream wants \(wanted(slot.role))")
        }
        return (steps, conversion)
    }

    /// The type itself; of a union with null, the other one.
    private static func single(_ type: AvroType) throws(SetupProblem) -> AvroType {
        guard type.kind == .union else { return type.resolved }
        let others = type.branches.filter { $0.kind != .null }
        guard others.count == 1 else {
            throw SetupProblem(
                problem: "it is a union of \(others.count) types besides null", remedy: "write one type, or a union of one with null")
        }
        return others[0].resolved
    }

    private static func fits(_ kind: AvroType.Kind, _ conversion: AvroConversion, _ role: DecoderPlan.Role) -> Bool {
        var isDecimal = false
        if case .decimal = conversion { isDecimal = true }
        switch role {
        case .key, .id: return [.string, .int, .long, .enumeration].contains(kind) || ([.bytes, .fixed].contains(kind) && !isDecimal)
        case .field(.string): return [.string, .enumeration].contains(kind) || ([.bytes, .fixed].contains(kind) && !isDecimal)
        case .field(.bool): return kind == .boolean
        case .field(.int64): return [.int, .long, .string].contains(kind) || isDecimal
        case .field(.decimal), .field(.double): return [.int, .long, .float, .double, .string].contains(kind) || isDecimal
        // Arrays are not read: a log with vectors is written as NDJSON, CSV or Protobuf.
        case .field(.vector), .field(.doubles): return false
        case .time(.rfc3339): return kind == .string || conversion.isInstant
        case .time: return [.int, .long, .float, .double, .string].contains(kind) || isDecimal
        }
    }

    private static func wanted(_ role: DecoderPlan.Role) -> String {
        switch role {
        case .key, .id: "string, int, long, enum, bytes or fixed"
        case .field(.string): "string, enum, bytes or fixed"
        case .field(.bool): "boolean"
        case .field(.int64): "int, long, string or a decimal"
        case .field(.decimal), .field(.double): "int, long, float, double, string or a decimal"
        case .field(.vector), .field(.doubles): "a vector, which can be read from NDJSON, CSV and Protobuf logs but not from Avro"
        case .time(.rfc3339): "string, or long with the logical type timestamp-millis or timestamp-micros"
        case .time: "a number, or long with the logical type timestamp-millis or timestamp-micros"
        }
    }

    /// Rounded down, so that times before the epoch stay in order.
    static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// The decimal text of a big-endian two's complement integer of `10^-scale`. What has no place in 128 bits is written as a number
    /// that is out of every range. `output` has 48 bytes.
    static func write(_ bytes: UnsafeRawBufferPointer, scale: Int, into output: UnsafeMutableRawBufferPointer) -> Int {
        let negative = (bytes.first ?? 0) & 0x80 != 0
        let sign: UInt8 = negative ? 0xff : 0
        let padding = max(0, bytes.count - 16)
        var units: Int128 = negative ? -1 : 0
        for byte in bytes[padding...] { units = units << 8 | Int128(byte) }
        let fits = bytes[..<padding].allSatisfy { $0 == sign } && (units < 0) == negative
        var text: [UInt8]
        if !fits {
            text = Array("\(negative ? "-" : "")9e999".utf8)
        } else {
            // An exponent keeps the digits as they are, whatever the scale.
            text = Array("\(units)\(scale == 0 ? "" : "e-\(scale)")".utf8)
        }
        text = Array(text.prefix(output.count))
        output.copyBytes(from: text)
        return text.count
    }
}

extension DecoderPlan.Role {
    var isTime: Bool { if case .time = self { true } else { false } }
}

/// The names of an enum, in memory that stays.
final class AvroSymbols {
    private let names: [UnsafeMutableRawBufferPointer]

    init(_ names: [String]) {
        self.names = names.map { name in
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, name.utf8.count), alignment: 1)
            bytes.copyBytes(from: name.utf8)
            return UnsafeMutableRawBufferPointer(rebasing: bytes[..<name.utf8.count])
        }
    }

    deinit { for name in names { name.deallocate() } }

    subscript(index: Int) -> UnsafeRawBufferPointer? {
        names.indices.contains(index) ? UnsafeRawBufferPointer(names[index]) : nil
    }
}
