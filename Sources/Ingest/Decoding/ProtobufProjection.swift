/// Finds the values of a stream's paths in the wire bytes of one Protobuf message. No message object is built.
///
/// As every Protobuf parser does: the last value of a field wins, a message that occurs twice is merged, a member of a oneof clears
/// the others, and a field of another wire type than declared is treated as unknown.
final class ProtobufProjection {
    private struct Node {
        var firstChild: Int32
        var childCount: Int32
        var capture: Int32
        var firstCapture: Int32
        var endCapture: Int32
        var number: Int32
        var oneof: Int32
        var kind: ProtobufField.Kind
        var isImplicit: Bool
        var isRepeated: Bool
        /// Some child has a default to fill in when this message occurs.
        var hasImplicitChildren: Bool

        /// Numbers of a repeated field may come packed into one value.
        @inline(__always)
        func accepts(_ wire: WireType) -> Bool { kind.wire == wire || (isRepeated && wire == .lengthDelimited) }
    }

    private let nodes: UnsafeMutablePointer<Node>
    /// The captures of an empty message.
    private let initial: UnsafeMutablePointer<RawValue>
    /// Of fields without presence, per capture.
    private let defaults: UnsafeMutablePointer<RawValue>
    private let captureCount: Int

    /// Every node below `root` has its `proto`, and the captures are numbered.
    init(_ root: PathNode) {
        let flat = root.flattened()
        captureCount = root.captures.count
        nodes = .allocate(capacity: flat.count)
        initial = .allocate(capacity: max(1, captureCount))
        defaults = .allocate(capacity: max(1, captureCount))
        initial.initialize(repeating: RawValue(), count: captureCount)
        defaults.initialize(repeating: RawValue(), count: captureCount)
        for (index, (node, firstChild)) in flat.enumerated() {
            let field = node.proto ?? ProtobufField(number: 0, kind: .message)
            (nodes + index).initialize(to: Node(
                firstChild: Int32(firstChild), childCount: Int32(node.children.count), capture: Int32(node.capture),
                firstCapture: Int32(node.captures.lowerBound), endCapture: Int32(node.captures.upperBound),
                number: field.number, oneof: field.oneof, kind: field.kind, isImplicit: field.isImplicit, isRepeated: field.isRepeated,
                hasImplicitChildren: node.children.contains { $0.isCaptured && $0.proto?.isImplicit == true }))
            if node.capture >= 0, field.isImplicit { defaults[node.capture] = field.defaultValue }
        }
        for child in root.children where child.capture >= 0 { initial[child.capture] = defaults[child.capture] }
    }

    deinit {
        nodes.deallocate()
        initial.deallocate()
        defaults.deallocate()
    }

    /// Fills `captures` from the message in `payload` from `start` on. A thrown problem is at `position`.
    func scan(
        _ payload: UnsafeRawBufferPointer, from start: Int, into captures: UnsafeMutablePointer<RawValue>, position: inout Int
    ) throws(DecodeProblem) {
        captures.update(from: initial, count: captureCount)
        try scan(payload, in: start..<payload.count, of: nodes[0], into: captures, position: &position)
    }

    /// As deep as the longest path at most.
    private func scan(
        _ payload: UnsafeRawBufferPointer, in range: Range<Int>, of node: Node,
        into captures: UnsafeMutablePointer<RawValue>, position: inout Int
    ) throws(DecodeProblem) {
        var reader = WireReader(payload, in: range)
        var next: Int32 = 0
        while !reader.isAtEnd {
            position = reader.position
            let (field, wire) = try reader.tag()
            let found = find(field, among: node, from: &next)
            guard found >= 0, nodes[Int(found)].accepts(wire) else {
                try reader.skip(wire, field: field)
                continue
            }
            let child = nodes[Int(found)]
            if child.isRepeated {
                if child.capture >= 0 { captures[Int(child.capture)] = Self.repeated(child, in: range) }
                try reader.skip(wire, field: field)
                continue
            }
            if child.oneof >= 0 { clearOthers(of: child, index: found, in: node, captures) }
            if child.kind == .message {
                let inner = try reader.lengthDelimited()
                if child.hasImplicitChildren { fillDefaults(below: child, captures) }
                if child.childCount > 0 {
                    try scan(payload, in: inner, of: child, into: captures, position: &position)
                }
            } else {
                let value = try Self.read(child.kind, &reader)
                if child.capture >= 0 { captures[Int(child.capture)] = value }
            }
        }
    }

    @inline(__always)
    private func find(_ number: Int32, among node: Node, from next: inout Int32) -> Int32 {
        var at = next
        for _ in 0..<node.childCount {
            if at >= node.childCount { at = 0 }
            let index = node.firstChild + at
            at += 1
            if nodes[Int(index)].number == number {
                next = at
                return index
            }
        }
        return -1
    }

    private func clearOthers(of child: Node, index: Int32, in node: Node, _ captures: UnsafeMutablePointer<RawValue>) {
        for n in node.firstChild..<node.firstChild + node.childCount where n != index && nodes[Int(n)].oneof == child.oneof {
            let other = nodes[Int(n)]
            for n in Int(other.firstCapture)..<Int(other.endCapture) { captures[n] = RawValue() }
        }
    }

    /// The message is there, so its fields without presence have a value at least by default.
    private func fillDefaults(below node: Node, _ captures: UnsafeMutablePointer<RawValue>) {
        for n in node.firstChild..<node.firstChild + node.childCount {
            let child = nodes[Int(n)]
            guard child.isImplicit, child.capture >= 0, captures[Int(child.capture)].kind == .absent else { continue }
            captures[Int(child.capture)] = defaults[Int(child.capture)]
        }
    }

    /// Where to look for the values, all of them together.
    private static func repeated(_ node: Node, in message: Range<Int>) -> RawValue {
        RawValue(
            word: UInt64(UInt32(bitPattern: node.number)) | UInt64(node.kind.rawValue) << 32,
            position: Int32(truncatingIfNeeded: message.lowerBound), length: Int32(truncatingIfNeeded: message.count), kind: .repeated)
    }

    @inline(__always)
    static func read(_ kind: ProtobufField.Kind, _ reader: inout WireReader) throws(DecodeProblem) -> RawValue {
        var value = RawValue(position: Int32(truncatingIfNeeded: reader.position))
        switch kind {
        case .string, .bytes, .message:
            let range = try reader.lengthDelimited()
            value.kind = .text
            value.position = Int32(truncatingIfNeeded: range.lowerBound)
            value.length = Int32(truncatingIfNeeded: range.count)
        case .int64: (value.kind, value.word) = (.signed, try reader.varint())
        case .uint64: (value.kind, value.word) = (.unsigned, try reader.varint())
        // 32-bit kinds keep the low half of a longer varint, as the language guide says.
        case .int32: (value.kind, value.word) = (.signed, extend(UInt32(truncatingIfNeeded: try reader.varint())))
        case .uint32: (value.kind, value.word) = (.unsigned, try reader.varint() & 0xffff_ffff)
        case .enumeration:
            (value.kind, value.word) = (.enumeration, extend(UInt32(truncatingIfNeeded: try reader.varint())))
        case .sint64:
            let zigzag = try reader.varint()
            (value.kind, value.word) = (.signed, zigzag >> 1 ^ (0 &- (zigzag & 1)))
        case .sint32:
            let zigzag = UInt32(truncatingIfNeeded: try reader.varint())
            (value.kind, value.word) = (.signed, extend(zigzag >> 1 ^ (0 &- (zigzag & 1))))
        case .bool: (value.kind, value.word) = (.bool, try reader.varint() != 0 ? 1 : 0)
        case .fixed32: (value.kind, value.word) = (.unsigned, UInt64(try reader.fixed32()))
        case .sfixed32: (value.kind, value.word) = (.signed, extend(try reader.fixed32()))
        case .fixed64: (value.kind, value.word) = (.unsigned, try reader.fixed64())
        case .sfixed64: (value.kind, value.word) = (.signed, try reader.fixed64())
        case .float: (value.kind, value.word) = (.float, UInt64(try reader.fixed32()))
        case .double: (value.kind, value.word) = (.double, try reader.fixed64())
        }
        return value
    }

    @inline(__always)
    private static func extend(_ low: UInt32) -> UInt64 { UInt64(bitPattern: Int64(Int32(bitPattern: low))) }
}
