public import FeatureStore

/// A feature repository: what the definitions are in Feast's words.
public struct FeastRepository: Sendable {
    /// Name and text.
    public let files: [(name: String, text: String)]

    /// - Parameter url: of the HTTP server, as clients reach it.
    public init(_ definitions: Definitions, url: String) {
        files = [("feature_store.yaml", Self.settings(definitions, url)), ("features.py", Self.features(definitions))]
    }

    private static func settings(_ definitions: Definitions, _ url: String) -> String {
        """
        # Written by `millrace feast-repo`: Feast's SDK reads online features from Millrace.
        project: \(definitions.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "_" }.joined())
        provider: local
        registry: registry.db
        entity_key_serialization_version: 3
        online_store:
          type: remote
          path: \(url.hasSuffix("/") ? String(url.dropLast()) : url)
        auth:
          type: no_auth

        """
    }

    private static func features(_ definitions: Definitions) -> String {
        let views = FeastViews(definitions).views
        let catalog = Catalog(definitions)
        func type(_ name: String, _ entity: String) -> String {
            let index = definitions.entities.firstIndex { $0.name == entity }!
            return Self.type(catalog.features[catalog.featureIndexes[index][name]!].type)
        }
        var lines = [
            #""""Written by `millrace feast-repo` from definitions `\#(definitions.name)`; SDKs before 0.64 read it after `feast apply`.""#,
            "",
            "The values come from Millrace; the file source is there because Feast asks for one, and is never read.",
            #"""""#,
            "from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType",
            "from feast.types import Array, Bool, Float64, Int64, Map, String",
            "",
            #"nowhere = FileSource(name="nowhere", path="nowhere.parquet", timestamp_field="event_timestamp")"#,
            "",
        ]
        for entity in definitions.entities where views.contains(where: { $0.entity == entity.name }) {
            lines.append("entity_\(entity.name) = Entity(name=\"\(entity.name)\", join_keys=[\"\(entity.name)\"], value_type=ValueType.STRING)")
        }
        for view in views {
            let isPushed = definitions.pushed.contains { $0.name == view.name }
            if isPushed { lines += ["", "push_\(view.name) = PushSource(name=\"\(view.name)\", batch_source=nowhere)"] }
            lines += ["", "view_\(view.name) = FeatureView("]
            lines.append("    name=\"\(view.name)\", entities=[entity_\(view.entity)], source=\(isPushed ? "push_\(view.name)" : "nowhere"), schema=[")
            lines += view.features.map { "        Field(name=\"\($0)\", dtype=\(type($0, view.entity)))," }
            lines.append("    ])")
        }
        for service in definitions.services {
            lines += ["", "service_\(service.name) = FeatureService(name=\"\(service.name)\", features=["]
            for view in views where view.entity == service.entity {
                let own = service.features.filter { view.features.contains($0) }
                if !own.isEmpty { lines.append("    view_\(view.name)[[\(own.map { "\"\($0)\"" }.joined(separator: ", "))]],") }
            }
            lines.append("])")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func type(_ type: ValueType) -> String {
        switch type {
        case .bool: "Bool"
        case .int: "Int64"
        case .double, .decimal: "Float64"
        case .string: "String"
        case .list(let element): "Array(\(Self.type(element)))"
        case .map: "Map"
        case .ranking: "Array(Map)"
        }
    }
}
