import FeatureStore

/// What a decoder reads and where each value goes, worked out of the definition once. Faults name field and remedy.
struct DecoderPlan {
    enum Role: Equatable {
        case key
        case field(FieldType)
        case time(EventTime.Format)
        case id

        var isVector: Bool { if case .field(let type) = self { type.dimension != nil } else { false } }
    }
    /// One value of an event, in the stream's order: keys, fields, time, id.
    struct Slot {
        var name: String
        var path: FieldPath
        var role: Role
        /// Of a string.
        var maxBytes = FieldDefinition.usualMaxBytes
        /// Where the scanner finds it; nil for the record's own timestamp.
        var node: PathNode?
    }

    /// Longest path, in names.
    static let maxPathDepth = 32

    let root = PathNode(name: "")
    private(set) var slots: [Slot] = []
    private(set) var enums: [String: [Int32: String]] = [:]
    /// Where the message is declared in its file; empty for JSON.
    private(set) var messageIndexes: [Int32] = []

    init(stream: StreamDefinition, descriptorSet: [UInt8]?) throws(DecoderSetupError) {
        slots = stream.keys.map { Slot(name: "key `\($0.entity)`", path: $0.path, role: .key) }
        slots += stream.fields.map { Slot(name: "field `\($0.name)`", path: $0.path, role: .field($0.type), maxBytes: $0.maxBytes) }
        slots.append(Slot(name: "time", path: stream.time.path ?? FieldPath([]), role: .time(stream.time.format)))
        if let path = stream.idPath { slots.append(Slot(name: "id", path: path, role: .id)) }

        if stream.keys.isEmpty {
            throw DecoderSetupError(
                stream: stream.name, path: nil, problem: "it has no key", remedy: "name the field that says whom an event is about")
        }
        var schema: ProtobufSchema?
        var message = ""
        if case .protobuf(let format) = stream.format {
            message = format.message
            do throws(SetupProblem) {
                guard let descriptorSet else {
                    throw SetupProblem(
                        problem: "it is Protobuf and no descriptor set was given",
                        remedy: "set `descriptor_set` to a file made with `protoc --include_imports --descriptor_set_out=FILE`")
                }
                let loaded = try ProtobufSchema(descriptorSet: descriptorSet)
                messageIndexes = try loaded.message(message).indexes
                enums = loaded.enums
                schema = loaded
            } catch {
                throw DecoderSetupError(stream: stream.name, path: nil, problem: error.problem, remedy: error.remedy)
            }
        }
        for index in slots.indices where slots[index].role != .time(.kafka) {
            let slot = slots[index]
            do throws(SetupProblem) {
                try Self.check(slot)
                slots[index].node = if let schema {
                    try Self.resolve(slot, below: root, in: schema, message: message)
                } else {
                    try Self.resolve(slot, below: root)
                }
            } catch {
                throw DecoderSetupError(
                    stream: stream.name, path: slot.path.parts.isEmpty ? nil : "\(slot.path)",
                    problem: "\(slot.name): \(error.problem)", remedy: error.remedy)
            }
        }
        var captures = 0
        root.number(from: &captures)
    }

    private static func check(_ slot: Slot) throws(SetupProblem) {
        if slot.path.parts.isEmpty {
            throw SetupProblem(
                problem: "it has no path", remedy: "name the field of the event, or use the time format `kafka`")
        }
        if slot.path.parts.contains("") {
            throw SetupProblem(problem: "the path has an empty name", remedy: "write it as in `product.category`")
        }
        if slot.path.parts.count > maxPathDepth {
            throw SetupProblem(
                problem: "the path has \(slot.path.parts.count) names", remedy: "at most \(maxPathDepth) are possible")
        }
        if case .field(.decimal(let scale)) = slot.role, !(0...9 ~= scale) {
            throw SetupProblem(problem: "the decimal's scale is \(scale)", remedy: "choose 0 to 9")
        }
        if case .field(.vector(let dimension, let scale)) = slot.role, !(0...9 ~= scale && 1...1024 ~= dimension) {
            throw SetupProblem(
                problem: "the vector's dimension is \(dimension) and its scale \(scale)", remedy: "choose 1 to 1024, and 0 to 9")
        }
    }

    // MARK: JSON

    private static func resolve(_ slot: Slot, below root: PathNode) throws(SetupProblem) -> PathNode {
        if slot.role == .time(.protobufTimestamp) {
            throw SetupProblem(
                problem: "a JSON event has no protobuf_timestamp",
                remedy: "use rfc3339, which is how Protobuf's JSON writes them, or epoch_s, epoch_ms, epoch_us")
        }
        var node = root
        for name in slot.path.parts { node = node.child(name) }
        node.isCaptured = true
        return node
    }

    // MARK: Protobuf

    private static func resolve(
        _ slot: Slot, below root: PathNode, in schema: ProtobufSchema, message: String
    ) throws(SetupProblem) -> PathNode {
        var node = root
        var messageName = message
        for (index, name) in slot.path.parts.enumerated() {
            if index > 0, node.proto?.kind != .message {
                throw SetupProblem(
                    problem: "`\(node.name)` is not a message, so it has no `\(name)`",
                    remedy: "end the path at `\(slot.path.parts[..<index].joined(separator: "."))`")
            }
            let isVector = slot.role.isVector && index == slot.path.parts.count - 1
            node = try child(name, of: node, in: schema, message: messageName, isVector: isVector)
            messageName = node.proto?.typeName ?? ""
        }
        guard let field = node.proto else { return node }
        if slot.role == .time(.protobufTimestamp), field.kind == .message, field.typeName == "google.protobuf.Timestamp" {
            // Well known, so that the set may lack the import.
            capture(ProtobufField(number: 1, kind: .int64, isImplicit: true), "seconds", below: node)
            capture(ProtobufField(number: 2, kind: .int32, isImplicit: true), "nanos", below: node)
            return node
        }
        guard ProtobufTypes.fits(field, slot.role) else {
            throw SetupProblem(
                problem: "its type in the schema is \(ProtobufTypes.name(of: field))",
                remedy: ProtobufTypes.remedy(for: field, slot.role))
        }
        node.isCaptured = true
        return node
    }

    private static func child(
        _ name: String, of parent: PathNode, in schema: ProtobufSchema, message: String, isVector: Bool = false
    ) throws(SetupProblem) -> PathNode {
        if let known = parent.children.first(where: { $0.name == name }) { return known }
        let field = try schema.field(name, of: message, isVector: isVector)
        let node = PathNode(name: name, proto: field)
        parent.children.append(node)
        if field.oneof >= 0 {
            for sibling in try schema.members(ofOneof: field.oneof, in: message) {
                _ = try child(sibling, of: parent, in: schema, message: message)
            }
        }
        return node
    }

    private static func capture(_ field: ProtobufField, _ name: String, below node: PathNode) {
        let child = node.child(name)
        child.proto = child.proto ?? field
        child.isCaptured = true
    }
}
