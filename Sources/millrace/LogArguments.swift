internal import ArgumentParser
internal import Ingest

/// The options of commands that read event logs beside other things.
struct LogArguments: ParsableArguments {
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Event logs: files, globs, directories, or `-`.", valueName: "path"))
    var logs: [String] = []
    @Option(help: "ndjson, csv, tsv, protobuf or avro. Default: by each file's name.", transform: choice(LogFormat.self))
    var logFormat: LogFormat?
    @Option(help: ArgumentHelp("The stream of records that name no topic.", valueName: "name"))
    var logStream: String?
    @Option(name: .customLong("log-column"), help: ArgumentHelp(
        "A column of CSV logs and the path it stands for; may be given several times.", valueName: "name=path"))
    var logColumns: [String] = []
    @Flag(help: "Fields that a CSV or Avro log does not have are null; else it is an error.")
    var missingFieldsNull = false

    func validate() throws {
        for column in logColumns where !column.contains("=") {
            throw ValidationError("--log-column \(column): write NAME=PATH, as in sku=product.id")
        }
    }

    var options: LogOptions {
        var options = LogOptions(paths: logs, format: logFormat, stream: logStream, missingFieldsAreNull: missingFieldsNull)
        options.setColumns(logColumns)
        return options
    }
}

extension LogOptions {
    /// From `NAME=PATH`. The path has no `=`; the name may have.
    mutating func setColumns(_ texts: [String]) {
        for text in texts {
            let at = text.lastIndex(of: "=")!
            columns[String(text[..<at])] = String(text[text.index(after: at)...])
        }
    }
}

/// Reads one of the names that a type of choices has.
func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _: Choice.Type
) -> @Sendable (String) throws -> Choice where Choice.RawValue == String {
    { text in
        if let value = Choice(rawValue: text) { return value }
        throw ValidationError("`\(text)` is not one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
}
