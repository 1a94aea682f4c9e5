internal import JSONBytes

/// Writes the Protobuf wire format straight to bytes.
///
/// proto3's rule holds: a field without presence is left out when it has its default value; `optional` fields and members of a
/// `oneof` are written whenever they are set. Room is reserved once a value, not once a byte.
struct ProtobufWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var count = 0
    /// Memory for the texts of decimals.
    private var text = JSONWriter(reservingBytes: 128)

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// Forgets the message, keeps the memory.
    mutating func reset() { count = 0 }

    /// A copy of what was written.
    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    mutating func varint(_ value: UInt64) {
        reserve(10)
        put(varint: value)
    }

    /// `optional int64`, or a member of a oneof.
    mutating func set(_ field: Int, _ value: Int64) {
        reserve(20)
        tag(field, .varint)
        put(varint: UInt64(bitPattern: value))
    }

    mutating func int64(_ field: Int, _ value: Int64) { if value != 0 { set(field, value) } }

    mutating func set(_ field: Int, _ value: Bool) {
        reserve(11)
        tag(field, .varint)
        put(value ? 1 : 0)
    }

    mutating func bool(_ field: Int, _ value: Bool) { if value { set(field, value) } }

    mutating func set(_ field: Int, _ value: Double) {
        reserve(18)
        tag(field, .fixed64)
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.bitPattern.littleEndian, as: UInt64.self)
        count += 8
    }

    /// An element of a repeated field, or a member of a oneof: written also when empty.
    mutating func set(_ field: Int, _ text: String) {
        var text = text
        text.withUTF8 { set(field, UnsafeRawBufferPointer($0)) }
    }

    mutating func string(_ field: Int, _ text: String) { if !text.isEmpty { set(field, text) } }

    mutating func set(_ field: Int, _ content: [UInt8]) { content.withUnsafeBytes { set(field, $0) } }

    /// A string, of all digits.
    mutating func decimal(_ field: Int, units: Int128, scale: Int) {
        text.reset()
        text.decimal(units: units, scale: scale)
        reserve(text.count + 20)
        tag(field, .bytes)
        put(varint: UInt64(text.count))
        text.withBytes { UnsafeMutableRawPointer(base + count).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        count += text.count
    }

    mutating func set(_ field: Int, _ content: UnsafeRawBufferPointer) {
        reserve(content.count + 20)
        tag(field, .bytes)
        put(varint: UInt64(content.count))
        if let start = content.baseAddress { UnsafeMutableRawPointer(base + count).copyMemory(from: start, byteCount: content.count) }
        count += content.count
    }

    /// A message inside this one. One byte is kept for its length; the few messages of 128 bytes and more are moved up by the rest.
    @inline(__always)
    mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        reserve(11)
        tag(field, .bytes)
        count += 1
        let start = count
        write(&self)
        let length = count - start
        if length < 0x80 { base[start - 1] = UInt8(length) } else { moveUp(start, length) }
    }

    @inline(never)
    private mutating func moveUp(_ start: Int, _ length: Int) {
        reserve(10)
        count = start - 1
        let room = Self.varintBytes(UInt64(length))
        UnsafeMutableRawPointer(base + count + room).copyMemory(from: base + start, byteCount: length)
        put(varint: UInt64(length))
        count += length
    }

    // MARK: `reserve` first

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        grown.update(from: base, count: count)
        base.deallocate()
        base = grown
    }

    @inline(__always)
    private mutating func tag(_ field: Int, _ type: ProtobufReader.WireType) { put(varint: UInt64(field) << 3 | UInt64(type.rawValue)) }

    @inline(__always)
    private mutating func put(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        base[count] = byte
        count += 1
    }

    private static func varintBytes(_ value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }
}
