import Foundation
import Ingest
import Testing

@Suite struct LogFilesTests {
    let fixture = LogFixture()

    private func names(_ paths: [String]) -> [String] {
        do {
            return try LogFiles(paths).files.map { $0.path.replacing(fixture.directory.path + "/", with: "") }
        } catch {
            return ["\(error)".replacing(fixture.directory.path + "/", with: "")]
        }
    }

    @Test func directoriesGlobsAndNames() {
        for name in ["b.csv", "a/2.csv", "a/10.csv", "a/.hidden", "a/_SUCCESS", "c/d/e.csv"] { fixture.write(name, "x") }
        #expect(names([fixture.directory.path]) == ["a/10.csv", "a/2.csv", "b.csv", "c/d/e.csv"])
        #expect(names([fixture.path("a/*.csv"), fixture.path("b.csv")]) == ["a/10.csv", "a/2.csv", "b.csv"])
        #expect(names([fixture.path("a/*.gz")]) == ["a/*.gz: no file matches this pattern"])
        #expect(names([fixture.path("nothing")]) == ["nothing: cannot be opened: No such file or directory; check the name"])
        #expect(names([fixture.path("b.csv"), fixture.directory.path])
            == ["b.csv: the file is named twice; its events would count twice; name it once"])
        #expect(names([]) == ["no log is named; name files, directories or `-` for standard input"])
    }

    @Test func sizes() throws {
        let one = fixture.write("one", "123"), two = fixture.write("two", "45")
        #expect(try LogFiles([one, two]).totalBytes == 5)
        #expect(try LogFiles([one, "-"]).totalBytes == nil)
    }

    @Test func compressedFilesGiveTheSameEvents() throws {
        let text = (0..<3000).map { #"{"customer":"c\#($0)","time":\#(1_700_000_000 + $0),"product":{"id":"p"}}"# }.joined(separator: "\n") + "\n"
        let plain = fixture.write("clicks.ndjson", text)
        let expected = fixture.run(fixture.options([plain])).events
        #expect(expected.count == 3000)
        for tool in ["gzip", "zstd"] {
            let compressed = fixture.compress(tool, "clicks.ndjson")
            #expect(fixture.run(fixture.options([compressed])).events == expected)
            // Told by its first bytes, whatever it is called; and two in one file are read to the end.
            let bytes = Array(try Data(contentsOf: URL(filePath: compressed)))
            let twice = fixture.write("clicks-twice", bytes + bytes)
            #expect(fixture.run(fixture.options([twice])).events == expected + expected)
            var options = fixture.options([fixture.write("clicks-cut.ndjson", Array(bytes[..<(bytes.count - 9)]))])
            options.blockBytes = 4096
            let cut = fixture.run(options)
            #expect(cut.error?.hasPrefix("clicks-cut.ndjson (byte ") == true)
            #expect(cut.error?.hasSuffix("the \(tool) data ends in the middle: the file is cut off at byte \(bytes.count - 9); copy the file again from where it comes from") == true)
            #expect(cut.events.count < 3000 && Array(expected[..<cut.events.count]) == cut.events)
            var damaged = bytes
            for n in damaged.count / 2..<damaged.count / 2 + 40 { damaged[n] = ~damaged[n] }
            let result = fixture.run(fixture.options([fixture.write("clicks-damaged.ndjson", damaged)]))
            #expect(result.error?.contains("the \(tool) data is damaged") == true)
        }
    }

    @Test func unclearFormats() {
        #expect(fixture.run(fixture.options([fixture.write("clicks", "a,b\n1,2\n")])).error
            == "clicks: it is not clear what format the file has; name it, as in `--format csv`")
        #expect(fixture.run(fixture.options([fixture.write("clicks", #"{"customer":"a","time":1700000000}"#)])).events.count == 1)
    }
}
