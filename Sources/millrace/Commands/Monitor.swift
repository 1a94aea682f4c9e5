internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import JSONBytes
internal import Monitoring
internal import Serving

struct Monitor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows how the values of the features are, by the hour, and what they are held against.",
        discussion: """
            Reads what the server has recorded (`monitoring:` in the definitions), with or without a running server. docs/MONITORING.md says what \
            is observed, how hours are compared and what the measures mean.

              millrace monitor                                                  a table: every feature's newest hour
              millrace monitor clicks_1h --hours 48                             the hours of one feature
              millrace monitor baseline --from 2026-11-02 --to 2026-11-16       these hours are what is usual
              millrace monitor baseline --export training.csv                   what the model was trained on
            """,
        subcommands: [MonitorShow.self, MonitorBaseline.self], defaultSubcommand: MonitorShow.self)
}

struct MonitorShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "The table, or the hours of one feature (the default).")

    @OptionGroup var options: DefinitionsOptions

    @Argument(help: "A feature. Default: all of them.")
    var feature: String?

    @Option(help: "Whose feature it is, where more than one entity has one of this name.")
    var entity: String?

    @Option(help: ArgumentHelp("How far back, with a feature.", valueName: "hours"))
    var hours = 24

    @Flag(help: "Print the answer that the HTTP server would give.")
    var json = false

    func validate() throws {
        if !LookupProblem.monitoringHours.contains(hours) { throw ValidationError("--hours is a number of hours from 1 to 1344") }
    }

    func run() throws {
        let definitions = try options.load()
        try reportingErrors {
            try MonitorStore.open(definitions) { settings, watched, store in
                let report = try MonitoringReport(watched, settings, store)
                var output = JSONWriter(reservingBytes: 1 << 16)
                if let feature {
                    let index = try watched.index(of: feature, entity: entity)
                    if json { try report.write(index, hours: hours, to: &output, now: Store.now()) } else {
                        print(try MonitorTable.series(report, index, hours: hours))
                        return
                    }
                } else if json {
                    try report.write(to: &output, observed: nil, now: Store.now())
                } else {
                    print(try MonitorTable.overview(report))
                    return
                }
                print(output.text)
            }
        }
    }
}

struct MonitorBaseline: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline", abstract: "Sets what hours are held against; without options, says what that is.",
        discussion: "A running server takes it over within ten seconds.")

    @OptionGroup var options: DefinitionsOptions

    @Option(help: ArgumentHelp("The first recorded hour: RFC 3339, or a date.", valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Where the recorded window ends. Default: it does not.", valueName: "time"))
    var to: String?

    @Option(help: ArgumentHelp("A training export, CSV or NDJSON of `millrace export`.", valueName: "file"))
    var export: String?

    @Option(help: "Whose features the export has. Default: the entity with most of its columns.")
    var entity: String?

    @Flag(help: "Compare with all that was recorded again.")
    var clear = false

    func validate() throws {
        if (from != nil ? 1 : 0) + (export != nil ? 1 : 0) + (clear ? 1 : 0) > 1 { throw ValidationError("give one of --from, --export and --clear") }
        if to != nil, from == nil { throw ValidationError("--to needs --from") }
    }

    func run() throws {
        let definitions = try options.load()
        try reportingErrors {
            try MonitorStore.open(definitions) { _, watched, store in
                if clear {
                    try store.change(.recorded, watched: watched)
                } else if let export {
                    let summary = try ExportSummary(path: export, watched: watched, entity: entity)
                    try store.change(.export(source: URL(fileURLWithPath: export).lastPathComponent), summaries: summary.summaries, watched: watched)
                    print("\(summary.rows) rows, \(summary.summaries.count) features")
                } else if let from {
                    let begin = try Self.hour(from, "--from"), end = try to.map { try Self.hour($0, "--to") }
                    if let end, end <= begin { throw MonitorProblem(description: "--to is not after --from") }
                    let recorded = try store.recordedHours(in: begin...((end ?? Int(UInt32.max)) - 1), watched: watched)
                    if recorded == 0, end != nil { throw MonitorProblem(description: "nothing was recorded in that window") }
                    try store.change(.window(from: begin, to: end), watched: watched)
                    print("\(recorded) recorded hours")
                }
                print(MonitorTable.text(try store.baseline()))
            }
        }
    }

    private static func hour(_ text: String, _ option: String) throws -> Int {
        guard let time = TimeText.parse(text) ?? TimeText.parse(text + "T00:00:00Z") else {
            throw MonitorProblem(description: "\(option) \(text) is no time; write 2026-11-02 or 2026-11-02T13:00:00Z")
        }
        return Int(time / 3_600_000_000)
    }
}

struct MonitorProblem: Error, CustomStringConvertible { let description: String }

enum MonitorStore {
    static func open(_ definitions: Definitions, _ body: (MonitoringSettings, Watched, HourStore) throws -> Void) throws {
        guard let settings = definitions.monitoring else {
            throw MonitorProblem(description: "monitoring is off: write `monitoring: {enabled: true}` in the definitions")
        }
        guard FileManager.default.fileExists(atPath: definitions.store.directory + "/monitoring/data.mdb") else {
            throw MonitorProblem(description: "nothing was recorded yet in \(definitions.store.directory)/monitoring: `millrace serve` does")
        }
        let store = try HourStore(storeDirectory: definitions.store.directory)
        defer { store.close() }
        try body(settings, Watched(Store(definitions), settings), store)
    }
}
