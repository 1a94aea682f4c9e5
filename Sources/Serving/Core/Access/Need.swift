/// What a request needs its sender to be allowed.
public enum Need: Sendable, Equatable {
    /// Nothing, not even a credential: probes.
    case open
    /// Any permission at all. What a body asks for comes on top, once it is read.
    case anything
    /// The list of services; it shows those that may be read.
    case catalogue
    case service(String)
    case entity(String)
    /// All of them: features of several entities, or of an unknown one.
    case entities([String])
    case push(view: String)
    case erase
    case metrics
    case admin

    /// As a refusal names it.
    var description: String {
        switch self {
        case .open, .anything: "anything"
        case .catalogue: "read feature services"
        case .service(let name): "read feature service \"\(name.prefix(100))\""
        case .entity(let name): "name features of entity \"\(name.prefix(100))\""
        case .entities(let names): names.isEmpty ? "name features one by one" : "name features of \(names.map { "\"\($0.prefix(100))\"" }.joined(separator: ", "))"
        case .push(let view): "push to \"\(view.prefix(100))\""
        case .erase: "erase"
        case .metrics: "read metrics"
        case .admin: "see shards and the console"
        }
    }

    /// The line of the definitions that would allow it.
    var grant: String {
        switch self {
        case .open, .anything: "a permission"
        case .catalogue: "`services: [...]`"
        case .service(let name): "`services: [\(name.prefix(100))]`"
        case .entity(let name): "`entities: [\(name.prefix(100))]`"
        case .entities(let names): "`entities: [\(names.map { String($0.prefix(100)) }.joined(separator: ", "))]`"
        case .push(let view): "`push: [\(view.prefix(100))]`"
        case .erase: "`erase: true`"
        case .metrics: "`metrics: true`"
        case .admin: "`admin: true`"
        }
    }
}
