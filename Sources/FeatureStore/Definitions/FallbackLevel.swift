/// Where a service looks for values that the entity itself does not have: another entity, such as the customer's favourite category, or a
/// singleton.
public struct FallbackLevel: Sendable, Equatable {
    /// As features and answers name it.
    public var name: String
    public var entity: String
    /// A feature of the service's entity, or an input, whose value is the other entity's key; nil: the entity is a singleton.
    public var key: String?

    public init(name: String, entity: String, key: String? = nil) {
        self.name = name
        self.entity = entity
        self.key = key
    }
}
