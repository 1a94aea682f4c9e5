import FeatureStore
import Foundation
import Ingest
import TestSupport
import Testing

/// Whatever the bytes are, the outcome is an event or a named fault within them. `Decoded` checks that; a trap fails the run.
@Suite struct DecodeRobustnessTests {
    private let batch = EventBatch(eventCapacity: 4)

    private struct Format {
        var decoder: EventDecoder
        var sample: [UInt8]
    }

    private func formats() -> [Format] {
        var random = SeededGenerator(seed: 9)
        let click = SampleClick(&random)
        let wire = click.protobuf(&random)
        return [
            Format(decoder: Streams.decoder(Streams.click(.json)), sample: click.json(&random)),
            Format(decoder: Streams.decoder(Streams.click(Streams.protobuf(Streams.clickMessage))), sample: wire),
            Format(
                decoder: Streams.decoder(Streams.click(Streams.protobuf(Streams.clickMessage, .confluent))),
                sample: [0, 0, 0, 0, 7, 0] + wire),
        ]
    }

    @Test func everyPrefix() {
        for format in formats() {
            #expect(format.decoder.decode(format.sample).event != nil)
            for length in 0..<format.sample.count {
                let decoded = format.decoder.decode(Array(format.sample[..<length]), batch: batch)
                // A prefix of a JSON object is none; one of a message may end between two fields.
                if format.sample[0] == UInt8(ascii: "{") { #expect(decoded.event == nil) }
            }
        }
    }

    @Test func everySingleByteCorruption() {
        for format in formats() {
            for at in format.sample.indices {
                var bytes = format.sample
                for byte in UInt8.min...UInt8.max {
                    bytes[at] = byte
                    _ = format.decoder.decode(bytes, batch: batch)
                }
            }
        }
    }

    @Test func manyCorruptions() {
        var random = SeededGenerator(seed: 4)
        for format in formats() {
            for _ in 0..<20_000 {
                var bytes = format.sample
                for _ in 0...random.below(6) {
                    let at = random.below(bytes.count)
                    switch random.below(4) {
                    case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                    case 1: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
                    case 2: bytes.remove(at: at)
                    default: bytes.replaceSubrange(at..<at, with: bytes[random.below(bytes.count)...].prefix(random.below(30)))
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                _ = format.decoder.decode(bytes, batch: batch)
            }
        }
    }

    /// The broken events that ship, each with what must be said of it.
    @Test func theCorpus() throws {
        let lines = String(decoding: Corpus.bytes("events/expectations.tsv"), as: UTF8.self).split(separator: "\n")
        let expectations = Dictionary(uniqueKeysWithValues: lines.filter { !$0.hasPrefix("#") }.map { line in
            let columns = line.split(separator: "\t", maxSplits: 1)
            return (String(columns[0]), String(columns[1]))
        })
        var seen = 0
        for (folder, format) in zip(["json", "protobuf", "confluent"], formats()) {
            for name in try FileManager.default.contentsOfDirectory(atPath: Corpus.directory.appending(path: "events/\(folder)").path) {
                let file = Corpus.bytes("events/\(folder)/\(name)")
                let bytes = folder == "json" ? file : Corpus.hex(String(decoding: file, as: UTF8.self))
                let decoded = format.decoder.decode(bytes)
                #expect((decoded.fault ?? "event") == expectations["\(folder)/\(name)"], "\(folder)/\(name)")
                seen += 1
            }
        }
        #expect(seen == expectations.count)
    }
}
