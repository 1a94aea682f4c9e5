import FeatureStore
import Foundation
import Ingest
import TestSupport
import Testing

@Suite struct LogMessagesTests {
    let fixture = LogFixture([Streams.click(Streams.protobuf(Streams.clickMessage))])

    private func delimited(_ messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { message -> [UInt8] in
            var length = message.count, prefix: [UInt8] = []
            while length >= 0x80 {
                prefix.append(UInt8(length & 0x7f | 0x80))
                length >>= 7
            }
            return prefix + [UInt8(length)] + message
        }
    }

    @Test func messagesAndTheSameInJSON() {
        var random = SeededGenerator(seed: 7)
        let clicks = (0..<200).map { _ in SampleClick(&random) }
        let path = fixture.write("clicks.pb", delimited(clicks.map { $0.protobuf(&random) }))
        var options = fixture.options([path])
        let whole = fixture.run(options)
        #expect(whole.error == nil)
        #expect(whole.events.count == 200)
        // Line feeds between the members would end the lines.
        let json = clicks.map { $0.json(&random).map { $0 == 0x0a ? 0x20 : $0 } }
        let lines = fixture.write("clicks.ndjson", Array(json.joined(separator: [0x0a])))
        #expect(fixture.run(fixture.options([lines])).events == whole.events)
        for size in [1, 200, 5000] {
            options.blockBytes = size
            let again = fixture.run(options)
            #expect(again.events == whole.events)
            let first = fixture.run(options, stopAfter: max(1, again.chunks / 3))
            #expect(first.events + fixture.run(options, from: first.ends.last).events == whole.events)
        }
    }

    @Test func brokenMessagesAndBrokenFiles() {
        var random = SeededGenerator(seed: 8)
        let message = SampleClick(&random).protobuf(&random)
        let mixed = fixture.run(fixture.options([fixture.write("clicks.pb", delimited([message, [0xff, 0xff], [], message]))]))
        #expect(mixed.events.count == 2)
        #expect(mixed.drops == ["0 malformed -1", "0 empty -1"])
        #expect(mixed.faults == ["clicks.pb (byte \(delimited([message]).count + 1)): clicks: the record ends in the middle of a Protobuf field (byte 0)"])
        let bytes = delimited([message, message])
        let cut = fixture.run(fixture.options([fixture.write("clicks.pb", Array(bytes.dropLast()))]))
        #expect(cut.error == "clicks.pb (byte \(bytes.count / 2)): the file is cut off: its last message ends in the middle; copy the file again from where it comes from")
        #expect(cut.events.count == 1)
        let text = fixture.run(fixture.options([fixture.write("clicks.pb", Array(repeating: 0xff, count: 40))]))
        #expect(text.error?.contains("and at most") == true || text.error?.contains("does not begin with its length") == true)
    }
}
