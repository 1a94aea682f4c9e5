/// What hours are compared with, beyond what is like them.
package enum Baseline: Sendable, Equatable {
    /// All that was recorded.
    case recorded
    /// The hours from `from` on, up to `to` (exclusive; nil: without end).
    case window(from: HourStore.Hour, to: HourStore.Hour?)
    /// A training export.
    case export(source: String)

    /// The hours that may be compared with.
    var hours: ClosedRange<HourStore.Hour> {
        guard case .window(let from, let to) = self else { return 0...Int(UInt32.max) }
        return from...max(from, (to ?? Int(UInt32.max)) - 1)
    }

    /// Hours that are kept for ever.
    var kept: ClosedRange<HourStore.Hour>? {
        guard case .window(_, _?) = self else { return nil }
        return hours
    }

    // MARK: Bytes: kind UInt8; of a window: from UInt32, to UInt32 (0xffffffff: none); of an export its source as UTF-8

    init?(bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        switch reader.read(UInt8.self) {
        case 0: self = .recorded
        case 1:
            guard let from = reader.read(UInt32.self), let to = reader.read(UInt32.self) else { return nil }
            self = .window(from: Int(from), to: to == .max ? nil : Int(to))
        case 2: self = .export(source: String(decoding: bytes.dropFirst(), as: UTF8.self))
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .recorded: return [0]
        case .window(let from, let to):
            var bytes: [UInt8] = [1]
            bytes.append(UInt32(clamping: from))
            bytes.append(to.map { UInt32(clamping: $0) } ?? .max)
            return bytes
        case .export(let source): return [2] + Array(source.utf8)
        }
    }
}
