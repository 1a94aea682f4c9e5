/// Values that are computed elsewhere (a model's score, an embedding, a segment) and enter as records of a topic of their own: of each
/// feature the newest value counts.
///
/// The stream and the view of the same name are what the engine sees of it, so a pushed feature is a feature as any other.
public struct PushedDefinition: Sendable, Equatable {
    public var name: String
    public var entity: String
    public var description: String

    public init(name: String, entity: String, description: String = "") {
        self.name = name
        self.entity = entity
        self.description = description
    }
}

extension Definitions {
    /// The stream of a pushed view, by its index in `streams`; nil: no such view.
    public func pushedStream(_ name: String) -> Int? {
        pushed.contains { $0.name == name } ? streams.firstIndex { $0.name == name } : nil
    }
}
