import Foundation
import ServingHTTP
import Testing

@Suite struct OpenAPIDocumentTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The server carries a copy of `Schemas/openapi.yaml`. With `MILLRACE_UPDATE_EMBEDDED=1` this test writes the copy instead.
    @Test func theEmbeddedDocumentIsTheSchema() throws {
        let schema = try String(contentsOf: Self.root.appending(path: "Schemas/openapi.yaml"), encoding: .utf8)
        if ProcessInfo.processInfo.environment["MILLRACE_UPDATE_EMBEDDED"] == "1" {
            let source = Self.root.appending(path: "Sources/Serving/HTTP/OpenAPIDocument.swift")
            let text = try String(contentsOf: source, encoding: .utf8)
            let head = try #require(text.range(of: "#\"\"\"\n"))
            let body = schema.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    " + $0 }
            try (text[..<head.upperBound] + body.joined(separator: "\n") + "\n    \"\"\"#\n")
                .write(to: source, atomically: true, encoding: .utf8)
            return
        }
        #expect(
            openAPIDocument == schema,
            "Schemas/openapi.yaml changed: run MILLRACE_UPDATE_EMBEDDED=1 swift test --filter OpenAPIDocumentTests")
    }
}
