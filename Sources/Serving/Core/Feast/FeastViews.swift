public import FeatureStore

/// The definitions as Feast names them: a feature belongs to a feature view, and `view:feature` names it.
///
/// A view's features are in the Feast view of its name. Derived features belong to none, so those of an entity are in a view of their own,
/// `ENTITY_derived` (`ENTITY_derived_2`, ... where a view has that name). The join key of an entity is its name.
public struct FeastViews: Sendable {
    public struct View: Sendable, Equatable {
        public var name: String
        public var entity: String
        /// By the names that lookups have for them, in the order of the definitions.
        public var features: [String]
    }

    /// What Feast calls a project.
    public let project: String
    public let views: [View]
    private let indexes: [String: Int]
    /// Entity and feature -> index of its view.
    private let owners: [String: [String: Int]]

    public init(_ definitions: Definitions) {
        project = definitions.name
        var views = definitions.views.map { View(name: $0.name, entity: $0.entity, features: $0.features.map(\.name)) }
        for entity in definitions.entities {
            let derived = definitions.derived.filter { $0.entity == entity.name }.map(\.name)
            if derived.isEmpty { continue }
            var name = "\(entity.name)_derived", number = 1
            while views.contains(where: { $0.name == name }) {
                number += 1
                name = "\(entity.name)_derived_\(number)"
            }
            views.append(View(name: name, entity: entity.name, features: derived))
        }
        self.views = views
        indexes = Dictionary(uniqueKeysWithValues: views.enumerated().map { ($1.name, $0) })
        var owners: [String: [String: Int]] = [:]
        for (i, view) in views.enumerated() { for feature in view.features { owners[view.entity, default: [:]][feature] = i } }
        self.owners = owners
    }

    /// `view:feature`, or `view@v2:feature`: a version of a view, of which there is one.
    func resolve(reference: String) throws(FeastProblem) -> (view: View, feature: String) {
        guard let colon = reference.firstIndex(of: ":") else {
            throw .invalid("Invalid feature reference \(reference): write view:feature")
        }
        var name = reference[..<colon]
        if let at = name.lastIndex(of: "@"), name[name.index(after: at)...].first == "v" { name = name[..<at] }
        guard let index = indexes[String(name)] else {
            throw .unknown("FeatureViewNotFoundException", "Feature view \(name) does not exist in project \(project)")
        }
        let feature = String(reference[reference.index(after: colon)...])
        guard views[index].features.contains(feature) else {
            let nearest = NearestName.of(feature, in: views[index].features).map { "; did you mean \($0)?" } ?? ""
            throw .invalid("Feature \(feature) not found in feature view \(name)\(nearest)")
        }
        return (views[index], feature)
    }

    func view(of feature: String, entity: String) -> View? { owners[entity]?[feature].map { views[$0] } }
}
