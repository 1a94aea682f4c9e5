internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Ingest
internal import Logging

struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Builds all shards anew from the beginning of the topics, beside the live ones.",
        discussion: """
            For a changed definitions file, whose new features then have their whole history, and for shards that cannot go on. The new generation \
            ends where the topics end when it begins. A server that runs with the same definitions takes it over by itself within about a second, without a \
            pause in serving; one with other definitions leaves it alone until it is started with these.

              millrace rebuild -d new.yaml             the server with the old file goes on
              millrace serve   -d new.yaml             the next start takes the new generation over

            When it is interrupted (Ctrl-C, kill -9) nothing of it is ever served; the same command goes on where it was, --discard removes it. Where a \
            topic's first records are gone it stops and says which, unless --allow-gaps is given.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Flag(help: "Remove what an earlier rebuild or backfill has left, complete or not, and do nothing else.")
    var discard = false

    @Flag(help: "Build also where the topics no longer have their first records.")
    var allowGaps = false

    @Flag(help: "No progress line.")
    var quiet = false

    func run() throws {
        let definitions = try options.load()
        try reportingErrors {
            if discard { try Generation.discardAndTell(definitions) } else { try build(definitions) }
        }
    }

    private func build(_ definitions: Definitions) throws {
        let logger = Logger.millrace("millrace", definitions.logs, .warning)
        let rebuild = try Rebuild(
            definitions: definitions, descriptorSets: try options.descriptorSets(definitions)
        ) { NoticeLog(logger: logger).log($0) }
        Signals.stopOnInterrupt()
        let bar = ReplayProgress(isQuiet: quiet)
        let outcome = try rebuild.run(allowsGaps: allowGaps, isInterrupted: { Signals.isInterrupted }, progress: bar.update)
        bar.finish()
        for (stream, counts) in zip(definitions.streams, outcome.counts) { print(Self.summary(stream.name, counts)) }
        guard outcome.isComplete else {
            printError("interrupted; the same command goes on from here, --discard removes what is there")
            throw Exit.failed
        }
        print("\(outcome.shards) shards are complete; a server with these definitions takes them over while it runs, or when it starts")
    }

    /// `clicks: 1,234 applied, 5 late, 6 duplicate`
    static func summary(_ stream: String, _ counts: StreamCounts) -> String {
        let dropped = DropReason.allCases.filter { counts[$0] > 0 }.map { "\(StatusLine.grouped(Int64(counts[$0]))) \($0)" }
        return (["\(stream): \(StatusLine.grouped(Int64(counts.applied))) applied"] + dropped).joined(separator: ", ")
    }
}
