extension Definitions {
    /// Every feature that carries a tag, an owner or a purpose; none: nothing is said of any.
    func describeClassifications() -> [String] {
        let classifications = FeatureClassifications(self)
        var table = TextTable(["CLASSIFIED", "ENTITY", "TAGS", "OWNER", "PURPOSE"])
        var isEmpty = true
        for (entity, feature) in views.flatMap({ view in view.features.map { (view.entity, $0.name) } }) + derived.map({ ($0.entity, $0.name) }) {
            let of = classifications[entity, feature]
            if of.isEmpty { continue }
            isEmpty = false
            table.add(feature, entity, of.tags.isEmpty ? "-" : of.tags.joined(separator: ", "), of.owner.isEmpty ? "-" : of.owner, of.purpose)
        }
        return isEmpty ? [] : table.lines(indent: "") + [""]
    }
}
