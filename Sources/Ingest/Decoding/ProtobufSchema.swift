internal import FeatureStore
import SwiftProtobuf

/// The messages and enums of a descriptor set by full name. Load time only.
struct ProtobufSchema {
    struct Message {
        var descriptor: Google_Protobuf_DescriptorProto
        var file: Google_Protobuf_FileDescriptorProto
        /// Where it is declared in its file, from the outermost message in.
        var indexes: [Int32]
    }

    private(set) var messages: [String: Message] = [:]
    /// Names by number; the first name of an alias counts.
    private(set) var enums: [String: [Int32: String]] = [:]

    init(descriptorSet: [UInt8]) throws(SetupProblem) {
        let set: Google_Protobuf_FileDescriptorSet
        do {
            set = try Google_Protobuf_FileDescriptorSet(serializedBytes: descriptorSet)
        } catch {
            throw SetupProblem(
                problem: "the descriptor set cannot be read",
                remedy: "make it with `protoc --include_imports --descriptor_set_out=FILE`")
        }
        for file in set.file {
            let scope = file.package.isEmpty ? "" : file.package + "."
            for (index, message) in file.messageType.enumerated() {
                add(message, scope: scope, indexes: [Int32(index)], file: file)
            }
            for declared in file.enumType { add(declared, scope: scope) }
        }
    }

    private mutating func add(
        _ message: Google_Protobuf_DescriptorProto, scope: String, indexes: [Int32], file: Google_Protobuf_FileDescriptorProto
    ) {
        let name = scope + message.name
        messages[name] = Message(descriptor: message, file: file, indexes: indexes)
        for (index, nested) in message.nestedType.enumerated() {
            add(nested, scope: name + ".", indexes: indexes + [Int32(index)], file: file)
        }
        for declared in message.enumType { add(declared, scope: name + ".") }
    }

    private mutating func add(_ declared: Google_Protobuf_EnumDescriptorProto, scope: String) {
        enums[scope + declared.name] = Dictionary(
            declared.value.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    func message(_ name: String) throws(SetupProblem) -> Message {
        if let message = messages[name] { return message }
        let near = NearestName.of(name, in: messages.keys).map { "did you mean `\($0)`?" }
        throw SetupProblem(
            problem: "the descriptor set has no message `\(name)`",
            remedy: near ?? "it has \(messages.keys.sorted().prefix(8).joined(separator: ", ")); "
                + "was it made with --include_imports from the right .proto?")
    }

    /// The field `name` of the message `messageName`, as far as a path can go through it or end at it.
    func field(_ name: String, of messageName: String, isVector: Bool = false) throws(SetupProblem) -> ProtobufField {
        let message = try message(messageName)
        guard let field = message.descriptor.field.first(where: { $0.name == name }) else {
            let near = NearestName.of(name, in: message.descriptor.field.map(\.name)).map { "did you mean `\($0)`?" }
            throw SetupProblem(
                problem: "the message `\(messageName)` has no field `\(name)`",
                remedy: near ?? "it has \(message.descriptor.field.map(\.name).joined(separator: ", "))")
        }
        guard field.label != .repeated || isVector else {
            throw SetupProblem(
                problem: "`\(name)` of `\(messageName)` is repeated (or a map), and an event has one value a field",
                remedy: "name a singular field, declare a repeated number as a vector, or let the producer flatten it")
        }
        guard let kind = kind(of: field, in: message.file) else {
            throw SetupProblem(
                problem: "`\(name)` of `\(messageName)` is a group (or has delimited encoding)",
                remedy: "declare it as a message with length-prefixed encoding")
        }
        var typeName = field.typeName
        if typeName.hasPrefix(".") { typeName.removeFirst() }
        return ProtobufField(
            number: field.number, kind: kind, isImplicit: field.label != .repeated && isImplicit(field, kind: kind, in: message.file),
            oneof: field.hasOneofIndex && !field.proto3Optional ? field.oneofIndex : -1, isRepeated: field.label == .repeated, typeName: typeName)
    }

    /// Every member of the oneof, by name: setting any of them clears the ones that are read.
    func members(ofOneof index: Int32, in messageName: String) throws(SetupProblem) -> [String] {
        try message(messageName).descriptor.field
            .filter { $0.hasOneofIndex && $0.oneofIndex == index }.map(\.name)
    }

    private func kind(
        of field: Google_Protobuf_FieldDescriptorProto, in file: Google_Protobuf_FileDescriptorProto
    ) -> ProtobufField.Kind? {
        switch field.type {
        case .double: return .double
        case .float: return .float
        case .int64: return .int64
        case .uint64: return .uint64
        case .int32: return .int32
        case .fixed64: return .fixed64
        case .fixed32: return .fixed32
        case .bool: return .bool
        case .string: return .string
        case .bytes: return .bytes
        case .uint32: return .uint32
        case .enum: return .enumeration
        case .sfixed32: return .sfixed32
        case .sfixed64: return .sfixed64
        case .sint32: return .sint32
        case .sint64: return .sint64
        case .group: return nil
        case .message:
            // Editions: the field's own setting, else the file's.
            let encoding = field.options.features.hasMessageEncoding
                ? field.options.features.messageEncoding : file.options.features.messageEncoding
            return encoding == .delimited ? nil : .message
        }
    }

    private func isImplicit(
        _ field: Google_Protobuf_FieldDescriptorProto, kind: ProtobufField.Kind, in file: Google_Protobuf_FileDescriptorProto
    ) -> Bool {
        if kind == .message || field.hasOneofIndex { return false }
        switch file.syntax {
        case "proto3": return !field.proto3Optional
        case "editions":
            let presence = field.options.features.hasFieldPresence
                ? field.options.features.fieldPresence : file.options.features.fieldPresence
            return presence == .implicit
        default: return false
        }
    }
}
