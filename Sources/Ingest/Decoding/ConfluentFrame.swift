/// The header of Confluent's wire format: a zero byte, the schema's id in four bytes, and where in the schema's file the message
/// is declared: a count and as many indexes, zigzag varints, from the outermost message in. The one byte 0 stands for `[0]`.
struct ConfluentFrame {
    /// Where the stream's message is declared in its file.
    let indexes: [Int32]

    /// The offset of the message behind the header. The schema's id is not looked at: the descriptor set decides what the bytes mean.
    func messageOffset(in payload: UnsafeRawBufferPointer, position: inout Int) throws(DecodeProblem) -> Int {
        guard payload.count > 0, payload[0] == 0 else { throw .magicNotConfluent }
        position = min(5, payload.count)
        var reader = WireReader(payload, in: position..<payload.count)
        let count = try zigzag(&reader)
        if count == 0 {
            guard indexes.count == 1, indexes[0] == 0 else { throw .otherMessage }
            return reader.position
        }
        guard count == indexes.count else { throw .otherMessage }
        for wanted in indexes {
            position = reader.position
            guard try zigzag(&reader) == wanted else { throw .otherMessage }
        }
        return reader.position
    }

    private func zigzag(_ reader: inout WireReader) throws(DecodeProblem) -> Int64 {
        do {
            let value = try reader.varint()
            return Int64(bitPattern: value >> 1 ^ (0 &- (value & 1)))
        } catch {
            throw .frameTruncated
        }
    }
}
