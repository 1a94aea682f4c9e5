import Foundation

/// The logical types of a schema, by path. libavro's own parser leaves them out, so they are read from the schema's JSON, which libavro
/// has found to be right before.
struct AvroLogicalTypes {
    struct Annotation: Equatable {
        var name: String
        var scale: Int?
    }

    private let root: Any?
    private var named: [String: Any] = [:]

    init(_ json: [UInt8]) {
        root = try? JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed)
        if let root { register(root, namespace: "") }
    }

    private mutating func register(_ type: Any, namespace: String) {
        if let union = type as? [Any] {
            for branch in union { register(branch, namespace: namespace) }
            return
        }
        guard let object = type as? [String: Any] else { return }
        var inner = namespace
        if let name = object["name"] as? String, let kind = object["type"] as? String, ["record", "enum", "fixed", "error"].contains(kind) {
            let space = object["namespace"] as? String ?? (name.contains(".") ? "" : namespace)
            let full = space.isEmpty ? name : "\(space).\(name)"
            named[full] = object
            // Names without a namespace are looked up in the one around them; a short name is right unless two are equal.
            named[String(full.split(separator: ".").last ?? "")] = object
            inner = full.split(separator: ".").dropLast().joined(separator: ".")
        }
        for field in object["fields"] as? [[String: Any]] ?? [] { if let type = field["type"] { register(type, namespace: inner) } }
        for part in ["type", "items", "values"] { if let type = object[part], !(type is String) { register(type, namespace: inner) } }
    }

    func annotation(at path: [String]) -> Annotation? {
        guard var type = root else { return nil }
        for name in path {
            guard let record = resolve(type), let fields = record["fields"] as? [[String: Any]],
                let field = fields.first(where: { $0["name"] as? String == name }), let next = field["type"]
            else { return nil }
            type = next
        }
        guard let object = resolve(type), let name = object["logicalType"] as? String else { return nil }
        return Annotation(name: name, scale: object["scale"] as? Int)
    }

    /// The object that describes a type: of a union its part that is not null, of a name what it stands for.
    private func resolve(_ type: Any) -> [String: Any]? {
        if let union = type as? [Any] { return union.first { $0 as? String != "null" }.flatMap { resolve($0) } }
        if let name = type as? String { return named[name] as? [String: Any] }
        guard let object = type as? [String: Any] else { return nil }
        // {"type": {"type": "long", "logicalType": ...}}
        if object["logicalType"] == nil, object["fields"] == nil, let inner = object["type"], !(inner is String) { return resolve(inner) }
        return object
    }
}
