/// `tags`, `owner` and `purpose` of streams, views and features.
extension DefinitionLoader {
    static let classificationKeys = ["tags", "owner", "purpose"]

    func readClassification(_ section: Section) -> Classification {
        var classification = Classification()
        if let node = section["tags"] {
            for node in list(node, "tags", remedy: "write [pii]") ?? [] {
                guard let tag = name(node, "tag") else { continue }
                if classification.tags.contains(tag) { fault(node.place, "the tag `\(tag)` is given twice", "keep one of the two") }
                classification.tags.append(tag)
            }
            classification.tags.sort()
        }
        classification.owner = text(section["owner"], "owner")
        classification.purpose = text(section["purpose"], "purpose")
        return classification
    }
}
