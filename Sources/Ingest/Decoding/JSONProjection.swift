import JSONBytes

/// Finds the values of a stream's paths in one JSON document: one pass, every byte checked, nothing built.
///
/// The names are matched by length and first eight bytes. Producers write fields in a steady order, so the search for a
/// name begins behind the last one found.
final class JSONProjection {
    private struct Node {
        var firstChild: Int32
        var childCount: Int32
        /// Negative: only children are read.
        var capture: Int32
        var firstCapture: Int32
        var endCapture: Int32
    }
    private struct Name {
        var word: UInt64
        var length: Int32
        var offset: Int32
    }

    private let nodes: UnsafeMutablePointer<Node>
    /// Of each node; parallel to `nodes`.
    private let names: UnsafeMutablePointer<Name>
    private let nameBytes: UnsafeMutableRawBufferPointer
    /// Where keys with escapes are resolved; longer ones cannot be a name.
    private let scratch: UnsafeMutableRawBufferPointer

    init(_ root: PathNode) {
        let flat = root.flattened()
        nodes = .allocate(capacity: flat.count)
        names = .allocate(capacity: flat.count)
        nameBytes = .allocate(byteCount: max(1, flat.reduce(0) { $0 + $1.node.name.utf8.count }), alignment: 8)
        scratch = .allocate(byteCount: 6 * (flat.map(\.node.name.utf8.count).max() ?? 0) + 8, alignment: 8)
        var offset = 0
        for (index, (node, firstChild)) in flat.enumerated() {
            (nodes + index).initialize(to: Node(
                firstChild: Int32(firstChild), childCount: Int32(node.children.count), capture: Int32(node.capture),
                firstCapture: Int32(node.captures.lowerBound), endCapture: Int32(node.captures.upperBound)))
            let utf8 = Array(node.name.utf8)
            for (n, byte) in utf8.enumerated() { nameBytes[offset + n] = byte }
            (names + index).initialize(to: Name(
                word: utf8.withUnsafeBytes { Self.firstWord($0) }, length: Int32(utf8.count), offset: Int32(offset)))
            offset += utf8.count
        }
    }

    deinit {
        nodes.deallocate()
        names.deallocate()
        nameBytes.deallocate()
        scratch.deallocate()
    }

    /// Fills `captures`, which are all absent before. `payload` has at most `EventDecoder.maxPayloadBytes`.
    func scan(
        _ payload: UnsafeRawBufferPointer, into captures: UnsafeMutablePointer<RawValue>
    ) throws(JSONError) {
        var reader = JSONReader(payload)
        try scan(objectOf: nodes[0], &reader, into: captures)
        try reader.finish()
    }

    /// The same of an object that more may follow. Returns the offset behind it.
    func scan(
        prefixOf text: UnsafeRawBufferPointer, into captures: UnsafeMutablePointer<RawValue>
    ) throws(JSONError) -> Int {
        var reader = JSONReader(text)
        try scan(objectOf: nodes[0], &reader, into: captures)
        return reader.position
    }

    /// As deep as the longest path at most; what no path goes through is skipped without recursion.
    private func scan(
        objectOf node: Node, _ reader: inout JSONReader, into captures: UnsafeMutablePointer<RawValue>
    ) throws(JSONError) {
        try reader.beginObject()
        var next: Int32 = 0
        while let key = try reader.nextKey() {
            let child = find(key, among: node, from: &next)
            if child < 0 {
                try reader.skipValue()
            } else {
                try capture(nodes[Int(child)], &reader, into: captures)
            }
        }
    }

    private func capture(
        _ node: Node, _ reader: inout JSONReader, into captures: UnsafeMutablePointer<RawValue>
    ) throws(JSONError) {
        let kind = try reader.peek()
        var value = RawValue(position: Int32(truncatingIfNeeded: reader.position))
        if node.childCount > 0 {
            // A second object under the same key replaces the first one entirely.
            let below: RawValue.Kind = kind == .object || kind == .null ? .absent : .notAnObject
            for n in Int(node.firstCapture)..<Int(node.endCapture) {
                captures[n] = RawValue(position: value.position, kind: below)
            }
            if kind == .object {
                if node.capture >= 0 {
                    value.kind = .container
                    captures[Int(node.capture)] = value
                }
                return try scan(objectOf: node, &reader, into: captures)
            }
        }
        switch kind {
        case .string:
            let string = try reader.readString()
            value.kind = .text
            value.isUTF8 = true
            value.hasEscapes = string.hasEscapes
            value.position = Int32(truncatingIfNeeded: string.position)
            value.length = Int32(truncatingIfNeeded: string.bytes.count)
        case .number:
            value.kind = .number
            value.length = Int32(truncatingIfNeeded: try reader.readNumber().count)
        case .bool:
            value.kind = .bool
            value.word = try reader.readBool() ? 1 : 0
        case .null:
            value.kind = .null
            try reader.readNull()
        case .object:
            value.kind = .container
            try reader.skipValue()
        case .array:
            value.kind = .array
            try reader.skipValue()
            value.length = Int32(truncatingIfNeeded: reader.position) - value.position
        }
        if node.capture >= 0 { captures[Int(node.capture)] = value }
    }

    /// The node of `key` among the children of `node`; negative when no path has it.
    @inline(__always)
    private func find(_ key: JSONString, among node: Node, from next: inout Int32) -> Int32 {
        var bytes = key.bytes
        if key.hasEscapes {
            guard bytes.count <= scratch.count, let count = try? key.unescape(into: scratch) else { return -1 }
            bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        }
        let word = Self.firstWord(bytes)
        var at = next
        for _ in 0..<node.childCount {
            if at >= node.childCount { at = 0 }
            let index = node.firstChild + at
            let name = names[Int(index)]
            at += 1
            if name.word == word, Int(name.length) == bytes.count, name.length <= 8 || isEqual(name, bytes) {
                next = at
                return index
            }
        }
        return -1
    }

    private func isEqual(_ name: Name, _ bytes: UnsafeRawBufferPointer) -> Bool {
        for n in 8..<bytes.count where nameBytes[Int(name.offset) + n] != bytes[n] { return false }
        return true
    }

    /// The first eight bytes, or all with zeros behind.
    @inline(__always)
    private static func firstWord(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0 }
        if bytes.count >= 8 { return UInt64(littleEndian: base.loadUnaligned(as: UInt64.self)) }
        var word: UInt64 = 0
        if bytes.count >= 4 {
            // Two overlapping halves cover four to seven bytes.
            let low = UInt64(UInt32(littleEndian: base.loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)))
            return low | high << UInt64((bytes.count - 4) * 8)
        }
        for n in 0..<bytes.count { word |= UInt64(base.load(fromByteOffset: n, as: UInt8.self)) << UInt64(n * 8) }
        return word
    }
}
