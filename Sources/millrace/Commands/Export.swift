internal import ArgumentParser
internal import Export
internal import FeatureStore
internal import Foundation
internal import Ingest

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Joins a list of (entity, time) with the vectors that would have been served, from logs.",
        discussion: """
            The request list names an entity key, a time and any other columns; each row comes back with the vector of a feature service as of \
            that time, computed with the engine that serves it. Rows keep their order; logs and list may be larger than memory.

            By event time (the default) a row counts every accepted event up to its time, whenever it arrived. With --as-known it counts only \
            what the broker had by then, and equals, bit for bit, what a server that was caught up answered at that moment.

              millrace export --service churn --requests customers.csv --logs logs/ --output training.csv
              millrace export --service churn --requests customers.csv --logs clicks.ndjson.gz purchases.ndjson.gz \\
                  --label 'bought=any(purchases) within 7d' \\
                  --label 'spend=sum(purchases.amount) within 30d by category' --output training.npy.d --format numpy
              millrace export --feature clicks_24h --requests - --requests-format ndjson --logs logs/ --as-known --output - --format ndjson

            A label covers the accepted events after the row's time, up to and including its horizon; it is null where the logs end before that. \
            docs/EXPORT.md has the formats and says what is equal to what.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: "The feature service whose vectors are exported.")
    var service: String?
    @Option(name: .customLong("feature"), help: "A single feature; may be given several times.")
    var features: [String] = []
    @Option(help: ArgumentHelp("The request list, CSV or NDJSON; `-` is standard input.", valueName: "file"))
    var requests: String
    @Option(help: "csv or ndjson. Default: by the name's ending.", transform: choice(RequestSource.Format.self))
    var requestsFormat: RequestSource.Format?
    @Option(help: ArgumentHelp("The column of entity keys. Default: the entity's name, else `key`.", valueName: "name"))
    var keyColumn: String?
    @Option(help: ArgumentHelp("The column of times.", valueName: "name"))
    var timeColumn = "time"
    @Option(help: "rfc3339, epoch_s, epoch_ms or epoch_us.", transform: choice(RequestTimeFormat.self))
    var timeFormat = RequestTimeFormat.rfc3339
    @OptionGroup var log: LogArguments
    @Option(help: ArgumentHelp("A file, `-` for standard output, or the directory of the format numpy.", valueName: "path"))
    var output: String
    @Option(help: "csv, ndjson, avro or numpy. Default: by the output's ending.", transform: choice(ExportOptions.Format.self))
    var format: ExportOptions.Format?
    @Flag(help: "Count only what the broker had by each row's time.")
    var asKnown = false
    @Option(name: .customLong("label"), help: ArgumentHelp(
        "NAME=any(STREAM), count(STREAM) or sum(STREAM.FIELD), `within` 7d, and where wanted `by FIELD`, `where CONDITION`; may be given several times.",
        valueName: "label"))
    var labels: [String] = []
    @Flag(help: "Write each feature's status beside it (packed arrays always have it).")
    var status = false
    @Option(help: "Memory for events and rows; what is more goes to temporary files. At least 16MiB.")
    var memory = "1GiB"
    @Option(help: "Threads that decode, and that replay. Default: one per processor.")
    var threads = LogOptions.defaultThreads
    @Option(help: ArgumentHelp("Directory of the temporary files. Default: TMPDIR, or /tmp.", valueName: "directory"))
    var temporary: String?
    @Flag(help: "No progress line and no summary.")
    var quiet = false

    func validate() throws {
        if (service == nil) == features.isEmpty { throw ValidationError("give either --service or at least one --feature") }
        if log.logs.isEmpty { throw ValidationError("name the logs: --logs FILE or DIRECTORY ...") }
        if requests == "-", log.logs.contains("-") { throw ValidationError("only one of --requests and --logs can be standard input") }
        if threads < 1 || threads > 256 { throw ValidationError("--threads is 1 to 256") }
        guard let bytes = Self.bytes(memory), bytes >= ExportOptions.minMemoryBytes else {
            throw ValidationError("--memory \(memory): write a size of at least 16MiB, such as 512MiB or 4GiB")
        }
        if outputFormat == nil {
            throw ValidationError("--output \(output): the ending does not say what it is; add --format csv, ndjson, avro or numpy")
        }
        if outputFormat == .numpy, output == "-" { throw ValidationError("packed arrays are a directory; --output cannot be standard output") }
    }

    private var outputFormat: ExportOptions.Format? {
        if let format { return format }
        let ending = output.split(separator: "/").last?.split(separator: ".").dropFirst().last
        return switch ending {
        case "csv": .csv
        case "ndjson", "jsonl": .ndjson
        case "avro": .avro
        default: nil
        }
    }

    /// `512MiB`, `4GiB` or bytes.
    private static func bytes(_ text: String) -> Int? {
        for (unit, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)] where text.hasSuffix(unit) {
            return Int(text.dropLast(unit.count)).flatMap { $0 > 0 && $0 < 1 << (62 - shift) ? $0 << shift : nil }
        }
        return Int(text)
    }

    func run() throws {
        let definitions = try options.load()
        let descriptorSets = try options.descriptorSets(definitions)
        try reportingErrors {
            var source = RequestSource(path: requests)
            source.format = requestsFormat
            source.keyColumn = keyColumn
            source.timeColumn = timeColumn
            source.timeFormat = timeFormat
            var wanted = ExportOptions(
                features: service.map { .service($0) } ?? .features(features), requests: source, output: output, format: outputFormat!)
            wanted.isAsKnown = asKnown
            wanted.labels = try labels.map { try LabelDefinition(parsing: $0) }
            wanted.hasStatus = status
            wanted.memoryBytes = Self.bytes(memory)!
            wanted.threads = threads
            wanted.temporaryDirectory = temporary ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
            let progress = ExportProgressLine(isQuiet: quiet)
            var logOptions = log.options
            logOptions.threads = threads
            let pipeline = try LogPipeline(definitions: definitions, descriptorSets: descriptorSets, options: logOptions)
            let erased = try ErasedInStore(definitions)
            defer { erased?.close() }
            wanted.isErased = erased?.predicate(of: wanted.features)
            let export = try TrainingExport(definitions, wanted, progress: { progress.show($0) })
            try pipeline.run { chunk in
                try export.take(chunk)
                progress.show(.init(phase: .readingLogs, done: Int(chunk.bytesRead), total: pipeline.totalBytes.map { Int($0) }))
                return true
            }
            guard erased?.isKnown ?? true || export.hasReadErasures else {
                printError("""
                    nobody here knows who was erased: run it where the store is (store.directory), or give the log of the topic \
                    `\(definitions.privacy.erasures?.topic ?? "")` among --logs
                    """)
                throw Exit.failed
            }
            let summary = try export.finish { progress.show($0) }
            progress.finish(summary, output: output)
        }
    }
}
