/// What a packed matrix is computed in: doubles (also where floats are written in the end), or 64-bit integers.
package protocol PackedNumber: BitwiseCopyable, Sendable {
    static var null: Self { get }
    static var zero: Self { get }
    static var one: Self { get }
    /// Of a number or a bool; anything else is null.
    init(_ value: Value)
}

extension Double: PackedNumber {
    package static var null: Double { .nan }
    package static var one: Double { 1 }
    package init(_ value: Value) { self = value.nearestDouble ?? .nan }
}

extension Int64: PackedNumber {
    /// The smallest integer, which is the value of no field.
    package static var null: Int64 { .min }
    package static var one: Int64 { 1 }
    /// Sums that do not fit are the nearest that does.
    package init(_ value: Value) {
        self = switch value {
        case .bool(let value): value ? 1 : 0
        case .int(let value): value
        case .decimal(let units, 0): Int64(clamping: units)
        default: .min
        }
    }
}

extension Value {
    /// The sum of two numbers, exact unless a double takes part.
    func adding(_ other: Value) -> Value {
        switch (self, other) {
        case (.int(let a), .int(let b)): .decimal(units: Int128(a) + Int128(b), scale: 0)
        case (.decimal(let a, 0), .int(let b)): .decimal(units: a &+ Int128(b), scale: 0)
        case (.decimal(let a, let scale), .decimal(let b, let same)) where scale == same: .decimal(units: a &+ b, scale: scale)
        default: .double((nearestDouble ?? 0) + (other.nearestDouble ?? 0))
        }
    }
}
