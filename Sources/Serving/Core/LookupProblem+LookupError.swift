internal import FeatureStore

extension LookupProblem {
    /// The store's refusal in the words of the API. `key` is the one that was looked up, when there was one.
    init(_ error: LookupError, key: String?) {
        let ofKey = key.map { " (key \"\($0)\")" } ?? ""
        switch error {
        case .unknownService(let name, let known):
            self.init(
                .unknownService, detail: "There is no service \"\(name)\".",
                remedy: known.isEmpty
                    ? "The definitions declare no service; add one, or name features instead."
                    : Self.didYouMean(name, known) + "Known services: \(known.sorted().joined(separator: ", ")).")
        case .unknownFeature(let name, let nearest):
            self.init(
                .unknownFeature, detail: "There is no feature \"\(name)\".",
                remedy: (nearest.map { "Did you mean \"\($0)\"? " } ?? "") + "GET /v1/services lists the features of every service.")
        case .notInService(let name, let service, let nearest):
            self.init(
                .unknownFeature, detail: "The service \"\(service)\" has no feature \"\(name)\".",
                remedy: (nearest.map { "Did you mean \"\($0)\"? " } ?? "") + "GET /v1/services/\(service) lists its features.")
        case .unknownInput(let name, let service, let known):
            self.init(
                .badRequest,
                detail: (service.map { "The service \"\($0)\" has" } ?? "The features have") + " no input \"\(name.prefix(64))\".",
                remedy: known.isEmpty ? "Leave it out: it has no inputs." : Self.didYouMean(name, known) + "Its inputs: \(known.joined(separator: ", ")).")
        case .badInput(let name, let type):
            self.init(
                .badRequest, detail: "The input \"\(name)\" is not \(type == .int ? "an int64" : "a \(type)").",
                remedy: type == .string
                    ? "Give a string of at most \(InputDefinition.maxStringBytes) bytes, or null." : type == .bool ? "Give true, false or null." : "Give a number within 64 bits, or null.")
        case .unknownEntity(let name, let known):
            self.init(
                .unknownEntity, detail: "There is no entity \"\(name)\".",
                remedy: Self.didYouMean(name, known) + "Known entities: \(known.sorted().joined(separator: ", ")).")
        case .mixedEntities(let entities):
            self.init(
                .mixedEntities,
                detail: entities.isEmpty
                    ? "The features do not belong to one entity." : "The features belong to \(entities.joined(separator: ", ")).",
                remedy: "Ask for the features of one entity in one request.")
        case .shardUnavailable(let shard, let reason):
            self.init(
                .shardUnavailable, detail: "Shard \(shard)\(ofKey): \(reason).",
                remedy: "Try again in a second, or ask the process that serves this shard; GET /v1/shards shows which are served here.")
        case .emptyKey:
            self = .emptyKey()
        case .notTheSingleton(let entity):
            self.init(
                .badKey, detail: "There is only one \(entity), and its key is its name.",
                remedy: "Give the key \"\(entity)\".")
        case .keyTooLong(let bytes, let limit):
            self.init(
                .badKey, detail: "A key has \(bytes) bytes; the limit is \(limit).", remedy: "Use the key under which events are produced.")
        case .timeOutOfRange(let time):
            self.init(
                .badRequest, detail: "as_of is \(time) µs since the epoch, outside of 1970-01-02 to 2106-02-07.",
                remedy: "Give an RFC 3339 time, or microseconds (not seconds or milliseconds) since 1970.")
        case .storage(let message):
            self.init(
                .storage, detail: "LMDB\(ofKey): \(message)",
                remedy: "See the server's log; GET /v1/shards shows which shards are open.")
        }
    }

    static func emptyKey(at index: Int? = nil) -> LookupProblem {
        LookupProblem(
            .badKey, detail: (index.map { "keys[\($0)]" } ?? "The key") + " is empty.",
            remedy: "A key has 1 to \(LookupRequest.maxKeyBytes) bytes.")
    }

    /// A query parameter that the path does not take.
    public init(unknownParameter name: String, known: [String]) {
        self.init(
            .badRequest, detail: "There is no parameter \"\(name.prefix(64))\" here.",
            remedy: known.isEmpty
                ? "This path takes none." : Self.didYouMean(name, known) + "Parameters are \(known.joined(separator: ", ")).")
    }

    /// `Did you mean "x"? ` or nothing.
    static func didYouMean(_ name: String, _ known: [String]) -> String {
        NearestName.of(name, in: known).map { "Did you mean \"\($0)\"? " } ?? ""
    }
}
