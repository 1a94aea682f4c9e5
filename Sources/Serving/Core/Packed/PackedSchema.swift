internal import FeatureStore

/// The columns of a packed answer: the number and bool features of a vector, in its order.
struct PackedSchema: Sendable {
    /// Indexes in the vector.
    let columns: [Int]
    let names: [String]
    /// Features that are no numbers, with their types.
    let others: [(name: String, type: ValueType)]
    /// xxHash64 of `NAME:TYPE\n` of every column: another number, another matrix.
    let fingerprint: UInt64

    init(_ plan: VectorPlan) {
        func isColumn(_ type: ValueType) -> Bool { type.isNumber || type == .bool }
        let columns = plan.types.indices.filter { isColumn(plan.types[$0]) }
        self.columns = columns
        names = columns.map { plan.featureNames[$0] }
        others = plan.types.indices.filter { !isColumn(plan.types[$0]) }.map { (plan.featureNames[$0], plan.types[$0]) }
        let text = columns.map { "\(plan.featureNames[$0]):\(plan.types[$0])\n" }.joined()
        fingerprint = Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) }
    }
}

/// What the matrix of a packed answer consists of, little-endian.
public enum PackedElement: UInt8, Sendable, CaseIterable {
    case float32 = 4, float64 = 8
    public var byteCount: Int { Int(rawValue) }
}
