internal import FeatureStore
public import JSONBytes

/// The columns of a packed answer: the number features of a vector, in its order.
struct PackedSchema: Sendable {
    /// Indexes in the vector.
    let columns: [Int]
    let names: [String]
    /// Features that are no numbers, with their types.
    let others: [(name: String, type: ValueType)]
    /// xxHash64 of `NAME:TYPE\n` of every column: another number, another matrix.
    let fingerprint: UInt64

    init(_ plan: VectorPlan) {
        let columns = plan.types.indices.filter { plan.types[$0].isNumber }
        self.columns = columns
        names = columns.map { plan.featureNames[$0] }
        others = plan.types.indices.filter { !plan.types[$0].isNumber }.map { (plan.featureNames[$0], plan.types[$0]) }
        let text = columns.map { "\(plan.featureNames[$0]):\(plan.types[$0])\n" }.joined()
        fingerprint = Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) }
    }

    var fingerprintText: String {
        let digits = String(fingerprint, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension ValueType {
    fileprivate var isNumber: Bool {
        switch self {
        case .bool, .int, .double, .decimal: true
        case .string, .list, .map, .ranking: false
        }
    }
}

/// What the matrix of a packed answer consists of, little-endian.
public enum PackedElement: UInt8, Sendable, CaseIterable {
    case float32 = 4, float64 = 8
    public var byteCount: Int { Int(rawValue) }
}
