internal import ArgumentParser
internal import FeatureStore
internal import JSONBytes
internal import Serving

struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Looks features up in the store's directory, with or without a running server.",
        discussion: """
            Reads the same rows with the same code as the server, in place.

              millrace get --service homepage c0000001
              millrace get --feature clicks_1h --feature clicks_24h --as-of 2026-11-01T12:00:00Z c0000001 c0000002
              millrace get --service homepage --json c0000001 | jq .
              millrace get --service checkout --input basket_value=59.90 --input device=mobile c0000001
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: "The feature service to read.")
    var service: String?

    @Option(name: .customLong("feature"), help: "A single feature; may be given several times.")
    var features: [String] = []

    @Option(help: "The time asked for: RFC 3339, or microseconds since the epoch. Default: now.")
    var asOf: String?

    @Option(name: .customLong("input"), help: ArgumentHelp("What the request brings with it; may be given several times.", valueName: "name=value"))
    var inputs: [String] = []

    @Flag(help: "Print the answer that the HTTP server would give.")
    var json = false

    @Argument(help: "Entity keys, such as customer ids.")
    var keys: [String]

    func validate() throws {
        if keys.isEmpty { throw ValidationError("name at least one entity key") }
        if (service == nil) == features.isEmpty { throw ValidationError("give either --service or at least one --feature") }
    }

    func run() throws {
        let definitions = try options.load()
        try Store.reading(definitions) { store in
            switch answer(store) {
            case .success(let answer):
                print(json ? String(decoding: answer.json(), as: UTF8.self) : LookupTable(answer).text)
            case .failure(let problem):
                printError("\(problem.detail) \(problem.remedy)")
                throw Exit.failed
            }
        }
    }

    private func answer(_ store: Store) -> Result<LookupAnswer, LookupProblem> {
        var time: Int64?
        if let asOf {
            do { time = try LookupRequest.asOf(text: asOf) } catch { return .failure(error) }
        }
        var request = LookupRequest(service.map { .service($0) } ?? .features(features), keys: keys, asOf: time)
        for input in inputs {
            guard let equals = input.firstIndex(of: "=") else {
                return .failure(.init(.badRequest, detail: "--input \(input) has no value.", remedy: "Write --input name=value."))
            }
            let name = String(input[..<equals]), text = String(input[input.index(after: equals)...])
            request.inputs[name] =
                switch store.definitions.inputs.first(where: { $0.name == name })?.type {
                case .bool?: text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
                case .string?, nil: .string(text)
                default: .number(text)
                }
        }
        return LookupService(source: LookupSource(store: store)).lookup(request)
    }
}
