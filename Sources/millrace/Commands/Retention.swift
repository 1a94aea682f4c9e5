internal import ArgumentParser
internal import FeatureStore
internal import Serving

struct Retention: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How long data is kept, as declared and as found.", subcommands: [RetentionReportCommand.self, IdleCommand.self],
        defaultSubcommand: RetentionReportCommand.self)
}

struct RetentionReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Holds what the definitions say against every row of the store.",
        discussion: """
            Per view, and per stream's remembered ids: how far before a row's newest event anything may be kept, the oldest that was found, whether \
            anything is older than declared, and in how many rows something would be pruned if their next event came now. Rows by the age of their \
            newest event. A server may be running.

            Exit codes: 0 nothing is kept longer than declared, 1 something is, or a row is damaged.
            """)

    @OptionGroup var options: DefinitionsOptions
    @Flag(help: "Print the answer that GET /v1/retention gives.")
    var json = false

    func run() throws {
        try Store.reading(try options.load()) { store in
            let report = try store.retentionReport()
            print(json ? String(decoding: report.json(), as: UTF8.self) : report.description)
            if !report.isKept { throw Exit.failed }
        }
    }
}

struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Lists the keys of an entity whose newest event is older than so long.",
        discussion: """
            One key on each line, for `millrace erase --keys`: erasing is how rows of customers who are gone are forgotten (docs/PRIVACY.md).

              millrace retention idle -d shop.yaml --older-than 400d > gone.txt
              millrace erase -d shop.yaml --keys gone.txt
            """)

    @OptionGroup var options: DefinitionsOptions
    @Option(help: "What the keys are keys of. Default: the first entity.")
    var entity: String?
    @Option(help: ArgumentHelp("A duration such as 400d.", valueName: "duration"))
    var olderThan: String

    func run() throws {
        let definitions = try options.load()
        guard let limit = DurationText.parse(olderThan) else {
            printError("--older-than \(olderThan): write a whole number and s, m, h or d, as in 400d")
            throw ExitCode(64)
        }
        let name = entity ?? definitions.entities[0].name
        guard let entity = definitions.entities.first(where: { $0.name == name }) else {
            printError("there is no entity `\(name)`; there are \(definitions.entities.map(\.name).joined(separator: ", "))")
            throw Exit.failed
        }
        if entity.isPseudonymous {
            printError("\(name) is pseudonymous: the store does not know its keys")
            throw Exit.failed
        }
        try Store.reading(definitions) { store in
            for row in try store.idleRows(olderThan: limit) where row.entity == name { print(row.key) }
        }
    }
}
