internal import FeatureStore

/// A packed answer, version 1, little-endian:
///
///     0   "MRP1"
///     4   element UInt8: 8 float64, 4 float32; three bytes 0
///     8   schema UInt64
///     16  rows UInt32, columns UInt32
///     24  as_of Int64 µs
///     32  freshness Int64 µs; -1: not known
///     40  24 bytes 0
///     64  rows × columns elements: bool as 0 and 1, a decimal as the double nearest to it, null as NaN
///         rows × columns UInt8: status (1 present, 2 missing, 3 stale, 4 defaulted, 5 warming)
///         rows UInt8: whether the entity was found
extension LookupAnswer {
    static var packedHeaderBytes: Int { 64 }

    /// - Throws: where features were named one by one and one of them is no number.
    public func packed(_ element: PackedElement) throws(LookupProblem) -> [UInt8] {
        let schema = contract.packed
        if plan.service == nil, let (name, type) = schema.others.first {
            throw LookupProblem(
                .badRequest, detail: "The feature \"\(name)\" is of type \(type); a packed answer holds numbers.",
                remedy: "Leave it out, or ask for JSON.")
        }
        let rows = entries.count, columns = schema.columns.count
        let statusAt = Self.packedHeaderBytes + rows * columns * element.byteCount
        let foundAt = statusAt + rows * columns
        return [UInt8](unsafeUninitializedCapacity: foundAt + rows) { buffer, count in
            count = foundAt + rows
            let bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
            bytes[..<Self.packedHeaderBytes].initializeMemory(as: UInt8.self, repeating: 0)
            bytes[..<4].copyBytes(from: "MRP1".utf8)
            bytes[4] = element.rawValue
            bytes.storeBytes(of: schema.fingerprint.littleEndian, toByteOffset: 8, as: UInt64.self)
            bytes.storeBytes(of: UInt32(rows).littleEndian, toByteOffset: 16, as: UInt32.self)
            bytes.storeBytes(of: UInt32(columns).littleEndian, toByteOffset: 20, as: UInt32.self)
            bytes.storeBytes(of: asOf.littleEndian, toByteOffset: 24, as: Int64.self)
            bytes.storeBytes(of: (freshness ?? -1).littleEndian, toByteOffset: 32, as: Int64.self)
            var cell = 0
            for (row, entry) in entries.enumerated() {
                for column in schema.columns {
                    let feature = entry.vector.values[column]
                    let number = feature.value.nearestDouble ?? .nan
                    let at = Self.packedHeaderBytes + cell * element.byteCount
                    switch element {
                    case .float64: bytes.storeBytes(of: number.bitPattern.littleEndian, toByteOffset: at, as: UInt64.self)
                    case .float32: bytes.storeBytes(of: Float(number).bitPattern.littleEndian, toByteOffset: at, as: UInt32.self)
                    }
                    bytes[statusAt + cell] = feature.status.rawValue
                    cell += 1
                }
                bytes[foundAt + row] = entry.vector.found ? 1 : 0
            }
        }
    }
}
