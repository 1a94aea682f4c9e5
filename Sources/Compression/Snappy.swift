/// Snappy's block format, read. Every length and offset is checked.
///
/// Source: google/snappy, format_description.txt.
enum Snappy {
    /// The length that the data begin with; nil when there is none.
    static func uncompressedBytes(_ data: UnsafeRawBufferPointer) -> Int? { length(data)?.value }

    private static func length(_ data: UnsafeRawBufferPointer) -> (value: Int, bytes: Int)? {
        var value = 0
        for n in 0..<min(5, data.count) {
            value |= Int(data[n] & 0x7f) << (7 * n)
            if data[n] < 0x80 { return value <= UInt32.max ? (value, n + 1) : nil }
        }
        return nil
    }

    /// False when the data are not what fills `output` exactly.
    static func uncompress(_ data: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard let header = length(data), header.value == output.count else { return false }
        var at = header.bytes, written = 0
        func number(_ bytes: Int) -> Int? {
            guard at + bytes <= data.count else { return nil }
            var value = 0
            for n in 0..<bytes { value |= Int(data[at + n]) << (8 * n) }
            at += bytes
            return value
        }
        while at < data.count {
            let tag = Int(data[at])
            at += 1
            if tag & 3 == 0 {
                var count = tag >> 2
                if count >= 60 {
                    guard let longer = number(count - 59) else { return false }
                    count = longer
                }
                count += 1
                guard count <= data.count - at, count <= output.count - written else { return false }
                UnsafeMutableRawBufferPointer(rebasing: output[written..<written + count]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: data[at..<at + count]))
                at += count
                written += count
                continue
            }
            let count: Int, offset: Int
            if tag & 3 == 1 {
                guard let low = number(1) else { return false }
                (count, offset) = (4 + (tag >> 2 & 7), (tag >> 5) << 8 | low)
            } else {
                guard let far = number(tag & 3 == 2 ? 2 : 4) else { return false }
                (count, offset) = (1 + (tag >> 2), far)
            }
            guard offset > 0, offset <= written, count <= output.count - written else { return false }
            // Byte by byte: a copy may overlap what it writes.
            for n in written..<written + count { output[n] = output[n - offset] }
            written += count
        }
        return written == output.count
    }
}
