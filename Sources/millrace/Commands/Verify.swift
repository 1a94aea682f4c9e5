internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Ingest
internal import Logging

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Builds the store anew from the topics, or from logs, in a scratch directory and compares it with the live one.",
        discussion: """
              millrace verify -d shop.yaml                  everything from the topics
              millrace verify -d shop.yaml --logs logs/     as `backfill` read them, then from the topics what came since

            Both are compared at the same positions: those of a copy of the live shards, so that the server may go on. Equal events give equal bytes, so the \
            digest of every view and stream must be the same; where it is not, the differing rows are listed with both values.

            The scratch directory takes twice the space of the store and is deleted at the end. Exit codes: 0 all equal, 1 differences (or it could not be done).
            """)

    @OptionGroup var options: DefinitionsOptions

    @OptionGroup var log: LogArguments

    @Option(help: ArgumentHelp(
        "Where to work, on a file system with room; its contents are deleted. Default: `verify` in the store's directory.", valueName: "directory"))
    var scratch: String?

    @Option(help: "Most differing rows to list of each shard.")
    var limit = 20

    @Flag(help: "List all differing rows.")
    var all = false

    @Flag(help: "Compare also where the topics no longer have their first records.")
    var allowGaps = false

    @Flag(help: "Print the outcome as JSON.")
    var json = false

    @Flag(help: "No progress line.")
    var quiet = false

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit is a number of rows") }
    }

    func run() throws {
        let definitions = try options.load()
        try reportingErrors { try verify(definitions) }
    }

    private func verify(_ definitions: Definitions) throws {
        let logger = Logger.millrace("millrace", definitions.logs, .warning)
        let verification = Verification(
            definitions: definitions, descriptorSets: try options.descriptorSets(definitions), logs: log.logs.isEmpty ? nil : log.options
        ) { NoticeLog(logger: logger).log($0) }
        Signals.stopOnInterrupt()
        let bar = VerifyProgress(isQuiet: quiet)
        let outcome = try verification.run(
            scratch: scratch ?? definitions.store.directory + "/verify", limit: all ? .max : limit, allowsGaps: allowGaps,
            isInterrupted: { Signals.isInterrupted }, progress: bar.update)
        guard let outcome else {
            printError("interrupted; nothing was compared")
            throw Exit.failed
        }
        bar.finish()
        print(json ? VerifyReport.json(outcome) : VerifyReport.text(outcome))
        if !outcome.isEqual { throw Exit.failed }
    }
}
