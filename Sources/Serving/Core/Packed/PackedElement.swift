/// What the matrix of a packed answer consists of, little-endian.
public enum PackedElement: String, Sendable, CaseIterable {
    case float32, float64, int64

    public var byteCount: Int { self == .float32 ? 4 : 8 }
    var isInteger: Bool { self == .int64 }
}
