/// The bytes of a row; docs/STORAGE.md describes them with test vectors.
///
///     header     version UInt8 = 1, flags UInt8 = 0, section count UInt16
///     directory  per section: kind UInt8, flags UInt8 = 0, id UInt16, byte count UInt32     ordered by (kind, id)
///     sections   one after another
enum RowFormat {
    static let version: UInt8 = 1
    static let headerBytes = 4
    static let entryBytes = 8

    enum SectionKind: UInt8, Sendable {
        case stream = 0, view = 1
        /// The ids that a stream has retracted; the id is the retracting stream's.
        case retractions = 2
        /// The events that a view's are attributed to.
        case attribution = 3
    }

    /// Calls `body` for each section. False when the bytes are not a row: wrong version, or a length that does not fit.
    @inline(__always)
    static func sections(
        of row: UnsafeRawBufferPointer, _ body: (_ kind: UInt8, _ id: UInt16, _ bytes: UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard row.count >= headerBytes, row[0] == version else { return false }
        let count = Int(row.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        var at = headerBytes + count * entryBytes
        guard at <= row.count else { return false }
        for i in 0..<count {
            let entry = headerBytes + i * entryBytes
            let length = Int(row.loadUnaligned(fromByteOffset: entry + 4, as: UInt32.self))
            guard length <= row.count - at else { return false }
            body(
                row[entry], row.loadUnaligned(fromByteOffset: entry + 2, as: UInt16.self),
                UnsafeRawBufferPointer(rebasing: row[at..<at + length]))
            at += length
        }
        return at == row.count
    }
}

/// A stored row that does not have the row format: the file is damaged.
package struct CorruptRow: Error, CustomStringConvertible {
    package var what: String
    package var description: String {
        "damaged row: \(what); run `millrace rebuild`: it builds the shard anew from the log, and the server takes it over"
    }
}
