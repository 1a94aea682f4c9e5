internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Ingest
internal import Serving

struct BackfillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Builds all shards anew from event logs in files, beside the live ones.",
        discussion: """
            Reads NDJSON, CSV, length-delimited Protobuf and Avro containers, plain or compressed with gzip or zstd, and applies them with the \
            engine that applies the live stream. docs/BACKFILL.md has the formats.

              millrace backfill -d shop.yaml --partitions 4 events.ndjson.zst       lines {"topic": .., "value": {..}}
              millrace backfill -d shop.yaml --stream clicks 'clicks/2026-*.csv.gz' --column sku=product.id
              kcat -C -e -o beginning -t clicks -J | millrace backfill -d shop.yaml -
              millrace backfill -d shop.yaml --until 2026-11-01T00:00:00Z logs/     live takes over from that event time on

            Nothing is visible before all of it is done: then a server with the same definitions takes the new shards over while it runs, or at its \
            next start. Lines as kcat -J writes them say their offsets, and the live stream goes on behind them. For logs without offsets give --until: \
            the live stream is then read from its beginning and leaves out what lies before.

            Interrupted by Ctrl-C or kill -9, the same command goes on where it was; --discard removes what is there. Broken events are counted and \
            the first are shown; a broken file ends it with file and position.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Argument(help: "Files, globs, directories (read in the order of names), or - for standard input.")
    var paths: [String] = []
    @Option(help: "ndjson, csv, tsv, protobuf or avro. Default: by each file's name, or its first bytes.", transform: choice(LogFormat.self))
    var format: LogFormat?
    @Option(help: "The stream of records that do not say it. Default: by each file's name.")
    var stream: String?
    @Flag(inversion: .prefixedNo, help: "Whether lines are envelopes {\"topic\": .., \"value\" or \"payload\": ..}. Default: by the first line.")
    var envelope: Bool?
    @Option(name: .customLong("column"), help: ArgumentHelp(
        "A CSV column and the path it stands for; several times.", valueName: "name=path"))
    var columns: [String] = []
    @Flag(help: "Fields that a CSV or Avro file does not have are null; else it is an error.")
    var missingFieldsNull = false
    @Option(help: "Partitions of the topics. Default: as the store has them.")
    var partitions: Int?
    @Option(help: "Only events of this time and later: RFC 3339, or microseconds.")
    var from: String?
    @Option(help: "Only events before this time; the live stream takes over there.")
    var until: String?
    @Option(help: "Threads that decode and apply. Default: one per processor.")
    var threads: Int?
    @Option(help: "Megabytes of log that are applied in one transaction: more is faster, less takes less memory.")
    var round = 32
    @Flag(help: "Remove what an earlier backfill or rebuild has left, complete or not, and do nothing else.")
    var discard = false
    @Flag(help: "No progress line.")
    var quiet = false

    func validate() throws {
        if paths.isEmpty, !discard { throw ValidationError("name files, directories or - for standard input") }
        if let threads, !(1...256 ~= threads) { throw ValidationError("--threads is 1 to 256") }
        if !(1...1024 ~= round) { throw ValidationError("--round is 1 to 1024 megabytes") }
        for column in columns where !column.contains("=") {
            throw ValidationError("--column \(column): write NAME=PATH, as in sku=product.id")
        }
        for text in [from, until].compactMap({ $0 }) where Self.time(text) == nil {
            throw ValidationError("\(text) is no time: write RFC 3339, as in 2026-11-01T00:00:00Z, or microseconds")
        }
    }

    private static func time(_ text: String) -> Int64? { Int64(text) ?? TimeText.parse(text) }

    private var logOptions: LogOptions {
        var logs = LogOptions(
            paths: paths, format: format, stream: stream, envelope: envelope, missingFieldsAreNull: missingFieldsNull,
            from: from.flatMap(Self.time), until: until.flatMap(Self.time))
        if let threads { logs.threads = threads }
        logs.setColumns(columns)
        return logs
    }

    func run() throws {
        let definitions = try options.load()
        try reportingErrors {
            if discard { try Generation.discardAndTell(definitions) } else { try build(definitions) }
        }
    }

    private func build(_ definitions: Definitions) throws {
        var settings = Backfill.Options(logs: logOptions, partitions: partitions)
        settings.roundBytes = round << 20
        let backfill = try Backfill(
            definitions: definitions, descriptorSets: try options.descriptorSets(definitions), options: settings)
        Signals.stopOnInterrupt()
        let bar = BackfillProgress(isQuiet: quiet)
        let outcome = try backfill.run(
            warn: { printError($0) }, isInterrupted: { Signals.isInterrupted }, progress: { bar.update($0) })
        bar.finish(outcome.progress)
        let report = BackfillReport(definitions, outcome, hasUntil: until != nil)
        for line in report.warnings { printError(line) }
        print(report.text)
        guard outcome.isComplete else {
            printError("interrupted; the same command goes on from here, --discard removes what is there")
            throw Exit.failed
        }
    }
}
