internal import ArgumentParser
internal import FeatureStore

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a snapshot in the place of the store's shards.",
        discussion: """
            Stop the server first; restore refuses while one has the store open. Every byte is read, checked and written beside the live shards, \
            and held against the definitions, before the first shard is replaced. Each is replaced in one step: whatever happens, it is the old \
            one or the new one.

              millrace restore -d shop.yaml backups/monday
              ssh host 'cat f' | millrace restore -d shop.yaml -
              millrace restore -d shop.yaml --shard 3 backups/monday one shard, the others stay

            The next `millrace serve` reads on where the snapshot ends. Where Kafka no longer has the records from there on, the shard stops and \
            says so, as always. It needs as much disk as the snapshot holds, beside the store. Exit codes: 0 restored, 1 not: nothing was changed.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Argument(help: "A snapshot's directory, a file with a stream, or - for standard input.")
    var path: String

    @Option(name: .customLong("shard"), help: ArgumentHelp("Only this shard; several times.", valueName: "number"))
    var shards: [Int] = []

    @Flag(help: "No progress line.")
    var quiet = false

    func run() throws {
        let definitions = try options.load()
        try reportingErrors {
            Signals.stopOnInterrupt()
            let bar = SnapshotProgress(isQuiet: quiet, verb: "restored")
            let outcome = try SnapshotRestore(definitions, only: shards.isEmpty ? nil : Set(shards)).run(
                path, isInterrupted: { Signals.isInterrupted }, warn: { printError($0) }, progress: bar.update)
            bar.finish()
            print(SnapshotReport.text(outcome.manifest))
            print("restored shards \(outcome.restored.map(String.init).joined(separator: ", ")); `millrace serve` reads on from these positions")
            if !outcome.untouched.isEmpty {
                printError("shards \(outcome.untouched.map(String.init).joined(separator: ", ")) are not among them and stay as they were")
            }
        }
    }
}
