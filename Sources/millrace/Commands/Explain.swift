internal import ArgumentParser
internal import FeatureStore
internal import JSONBytes
internal import Serving

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows how a value came about: its window, the tiles or events in it, what was dropped.",
        discussion: """
            Reads the same rows with the same code as a lookup, with or without a running server. docs/EXPLAIN.md reads an answer line by line.

              millrace explain clicks_24h c0000001
              millrace explain clicks_24h c0000001 --as-of 2026-11-01T12:00:00Z --service homepage
              millrace explain clicks_24h c0000001 --json | jq .feature.view.window
            """)

    @OptionGroup var options: DefinitionsOptions

    @Argument(help: "The feature.")
    var feature: String

    @Argument(help: "The entity's key, such as a customer id.")
    var key: String

    @Option(help: "What the key is a key of. Default: the first entity that has such a feature.")
    var entity: String?

    @Option(help: "Explain the value as this feature service gives it.")
    var service: String?

    @Option(help: "The time asked for: RFC 3339, or microseconds since the epoch. Default: now.")
    var asOf: String?

    @Flag(help: "Print the answer that the HTTP server would give.")
    var json = false

    func run() throws {
        let definitions = try options.load()
        try Store.reading(definitions) { store in
            do throws(LookupProblem) {
                var query = Explanation.Query(feature: feature, key: key, entity: entity, service: service)
                if let asOf { query.asOf = try LookupRequest.asOf(text: asOf) }
                let explanation = try LookupService(source: LookupSource(store: store)).explain(query).get()
                print(json ? String(decoding: explanation.json(), as: UTF8.self) : explanation.chart, terminator: json ? "\n" : "")
            } catch {
                printError("\(error.detail) \(error.remedy)")
                throw Exit.failed
            }
        }
    }
}
