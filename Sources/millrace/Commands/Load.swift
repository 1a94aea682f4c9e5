internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Ingest
internal import Serving

struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pushes the rows of files: scores, embeddings, segments that a batch job has computed.",
        discussion: """
            Reads NDJSON, CSV and Avro containers, plain or compressed with gzip or zstd, and produces each row to the topic of the pushed view. A \
            running server applies them as any other push. Rows are as the topic's records are: the key, the time, the features.

              millrace load -d shop.yaml churn_model scores.csv.gz --column user_id=customer --at 2026-11-01T00:00:00Z
              millrace load -d shop.yaml churn_model scores/*.ndjson.zst

            Pushing a file twice does no harm: of each feature the newest value counts. At the end a position is printed; a lookup with \
            that min_position sees all of it.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Argument(help: "The pushed view.")
    var view: String
    @Argument(help: "Files, globs, directories (read in the order of names), or - for standard input.")
    var paths: [String]
    @Option(help: "ndjson, csv, tsv or avro. Default: by each file's name, or its first bytes.", transform: choice(LogFormat.self))
    var format: LogFormat?
    @Option(name: .customLong("column"), help: ArgumentHelp(
        "A CSV column and the name it stands for; several times.", valueName: "name=name"))
    var columns: [String] = []
    @Flag(help: "Features that a CSV or Avro file does not have are left as they are; else it is an error.")
    var missingFieldsNull = false
    @Option(help: "The time of all rows, in place of their own: RFC 3339, microseconds, or `now`.")
    var at: String?
    @Flag(help: "No progress line.")
    var quiet = false

    func validate() throws {
        for column in columns where !column.contains("=") {
            throw ValidationError("--column \(column): write NAME=NAME, as in user_id=customer")
        }
        if let at, time(at) == nil {
            throw ValidationError("\(at) is no time: write RFC 3339, as in 2026-11-01T00:00:00Z, microseconds, or now")
        }
        if format == .protobuf { throw ValidationError("pushed rows are JSON, CSV or Avro") }
    }

    private func time(_ text: String) -> Int64? { text == "now" ? Store.now() : Int64(text) ?? TimeText.parse(text) }

    func run() throws {
        let definitions = try options.load()
        var logs = LogOptions(paths: paths, format: format, envelope: false, missingFieldsAreNull: missingFieldsNull)
        logs.setColumns(columns)
        try reportingErrors {
            let load = try PushLoad(definitions, view: view, logs: logs, time: at.flatMap(time))
            Signals.stopOnInterrupt()
            let bar = BackfillProgress(isQuiet: quiet)
            let outcome = try load.run(now: Store.now(), isInterrupted: { Signals.isInterrupted }) { bar.update($0) }
            bar.finish(outcome.progress)
            report(outcome)
            if outcome.isInterrupted {
                printError("interrupted; what was read before is pushed, and the same command may be run again")
                throw Exit.failed
            }
        }
    }

    private func report(_ outcome: PushLoad.Outcome) {
        for fault in outcome.faults { printError("dropped: \(fault)") }
        let dropped = DropReason.allCases.filter { outcome.dropped[$0] > 0 }
            .map { "\(StatusLine.grouped(Int64(outcome.dropped[$0]))) \($0)" }
        print("\(StatusLine.grouped(outcome.pushed)) rows pushed" + (dropped.isEmpty ? "" : ", dropped: \(dropped.joined(separator: ", "))"))
        if !outcome.offsets.isEmpty { print("min_position \(SourceOffset.token(outcome.offsets))") }
    }
}
