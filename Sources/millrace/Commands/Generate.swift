internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Generator
internal import Kafka

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes the clicks and purchases of an imagined shop to Kafka or to a file.",
        discussion: """
            The stream is deterministic: the same seed and options give the same bytes. Customers and products are Zipf-skewed, days have their \
            rhythm, and late events, duplicates, bots and broken events come in as the options say.

            Without --count it goes on until it is stopped, at the pace of the clock. The events begin --history before now (or at --start); what lies in \
            the past is sent at full speed, then each event when its time has come.

              millrace generate --rate 2000 --history 10m
              millrace generate --count 1000000 --start 2026-11-01T00:00:00Z --to events.ndjson

            The topics are those of the streams `clicks` and `purchases` of the definitions file. In a file each line is \
            {"topic": ..., "key": ..., "value": {...}}.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: "Events per second of event time.")
    var rate = 1000.0
    @Option(help: "How many events; default: without end.")
    var count: Int?
    @Option(help: "How long before now the events begin, such as 30m or 2h.")
    var history = "0s"
    @Option(help: "The time of the first event, RFC 3339; all events are then sent at full speed and need --count.")
    var start: String?
    @Option(help: ArgumentHelp("Write to this file instead of Kafka; `-` is standard output.", valueName: "file"))
    var to: String?
    @Option(help: "Seed of the random numbers.")
    var seed: UInt64 = 1
    @Option(help: "Customers.")
    var customers = 100_000
    @Option(help: "Products.")
    var products = 10_000
    @Option(help: "How unequal customers and products are: the exponent of Zipf's law.")
    var skew = 0.8
    @Option(help: "Share of purchases among the events.")
    var purchases = 0.04
    @Option(help: "Share of late events.")
    var late = 0.01
    @Option(help: "Share of duplicates.")
    var duplicates = 0.005
    @Option(help: "Share of events that bots make.")
    var bots = 0.01
    @Option(help: "Share of broken events.")
    var malformed = 0.0
    @Flag(help: "No daily rhythm: the same rate at all hours.")
    var steady = false
    @Flag(help: "No progress line.")
    var quiet = false

    func validate() throws {
        if start != nil, count == nil { throw ValidationError("--start needs --count: all of it is sent at once") }
        if let count, count < 1 { throw ValidationError("--count is a positive number") }
        if DurationText.parse(history) == nil { throw ValidationError("--history \(history): write a time such as 90s, 30m, 2h or 1d") }
        if let start, Self.time(start) == nil { throw ValidationError("--start \(start): write a time such as 2026-11-01T00:00:00Z") }
        if let problem = generatorOptions(now: 1_700_000_000_000_000).problems.first { throw ValidationError(problem) }
    }

    private static func time(_ text: String) -> Int64? {
        (try? Date(text, strategy: .iso8601)).map { Int64($0.timeIntervalSince1970 * 1e6) }
    }

    private func generatorOptions(now: Int64) -> GeneratorOptions {
        var result = GeneratorOptions()
        result.seed = seed
        result.customers = customers
        result.products = products
        result.eventsPerSecond = rate
        result.start = start.flatMap { Self.time($0) } ?? now - (DurationText.parse(history) ?? 0)
        result.zipfExponent = skew
        result.purchaseShare = purchases
        result.lateShare = late
        result.duplicateShare = duplicates
        result.botShare = bots
        result.malformedShare = malformed
        result.diurnal = !steady
        return result
    }

    func run() throws {
        let definitions = try options.load()
        guard let clicks = definitions.streams.first(where: { $0.name == "clicks" }),
            let purchases = definitions.streams.first(where: { $0.name == "purchases" })
        else {
            printError("\(options.definitions) has no streams named `clicks` and `purchases`; the generator writes to these")
            throw Exit.failed
        }
        let sink: any EventSink
        do {
            sink = try to.map { try FileSink(path: $0) } ?? KafkaSink(definitions)
        } catch {
            printError("\(error)")
            throw Exit.failed
        }
        var generator = ShopGenerator(generatorOptions(now: Store.now()))
        var event = GeneratedEvent()
        var progress = GeneratorProgress(total: count, isQuiet: quiet)
        Signals.stopOnInterrupt()
        do {
            while progress.sent < count ?? .max, !Signals.isInterrupted {
                generator.next(into: &event)
                if start == nil, event.origin == .fresh { waitUntil(event.eventTimeMicros, sink) }
                try sink.send(event, topic: event.kind == .click ? clicks.topic : purchases.topic)
                progress.count(bytes: event.payload.count)
            }
            try sink.finish()
        } catch {
            printError("\(error)")
            throw Exit.failed
        }
        progress.finish()
    }

    private func waitUntil(_ time: Int64, _ sink: any EventSink) {
        while !Signals.isInterrupted {
            let early = time - Store.now()
            if early <= 0 { return }
            sink.idle()
            usleep(UInt32(min(early, 100_000)))
        }
    }
}
