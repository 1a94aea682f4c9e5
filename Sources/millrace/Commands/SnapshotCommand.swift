internal import ArgumentParser
internal import FeatureStore
internal import Foundation

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Copies the store, also beside a running server: consistent, compact and checksummed.",
        discussion: """
            Each shard is copied as it was in one commit, with the positions up to which it is true. After a restore the server reads on there. \
            docs/SNAPSHOTS.md says more.

              millrace snapshot -d shop.yaml backups/monday            a directory, a file for each shard
              millrace snapshot -d shop.yaml - | ssh host 'cat > f'    one stream of all shards
              millrace snapshot --verify backups/monday                read every byte of one and check it; or of a stream: a file, or -
              millrace restore  -d shop.yaml backups/monday            put it in the store's place

            The directory must not exist; it has its name only when everything in it is on the disk. On a full disk, or interrupted, nothing of it \
            is left. It runs behind everything else on the machine. Exit codes: 0 done (or whole), 1 not.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: ArgumentHelp("The store's directory itself, instead of the definitions.", valueName: "directory"))
    var store: String?

    @Argument(help: "The directory to make, or - for standard output. With --verify what to check.")
    var path: String

    @Flag(help: "Check a snapshot instead of taking one.")
    var verify = false

    @Option(name: .customLong("shard"), help: ArgumentHelp("Only this shard; several times.", valueName: "number"))
    var shards: [Int] = []

    @Flag(help: "Do not compress with zstd.")
    var uncompressed = false

    @Flag(help: "No progress line.")
    var quiet = false

    func run() throws {
        try reportingErrors { if verify { try check() } else { try take() } }
    }

    private func check() throws {
        Signals.stopOnInterrupt()
        let bar = SnapshotProgress(isQuiet: quiet, verb: "checked")
        let manifest = try Snapshot.verify(path, isInterrupted: { Signals.isInterrupted }, progress: bar.update)
        bar.finish()
        print(SnapshotReport.text(manifest))
        print("whole: every block, count and checksum is right")
    }

    private func take() throws {
        let directory = try store ?? self.options.load().store.directory
        ThreadPriority.lowest()
        Signals.stopOnInterrupt()
        // A reader that goes away is an error of writing.
        signal(SIGPIPE, SIG_IGN)
        var options = Snapshot.Options()
        options.isCompressed = !uncompressed
        options.program = Build.program
        if !shards.isEmpty { options.shards = Set(shards) }
        let isStream = path == "-"
        if isStream, isatty(STDOUT_FILENO) == 1 {
            throw SnapshotError.refused("standard output is a terminal: redirect it, or name a directory")
        }
        let bar = SnapshotProgress(isQuiet: quiet, verb: "written")
        let manifest = try Snapshot.write(
            store: directory, to: isStream ? .stream(STDOUT_FILENO, name: "standard output") : .directory(path), options: options,
            isInterrupted: { Signals.isInterrupted }, progress: bar.update)
        bar.finish()
        // Standard output is the snapshot's.
        if isStream { if !quiet { printError(SnapshotReport.text(manifest)) } } else { print(SnapshotReport.text(manifest)) }
    }
}
