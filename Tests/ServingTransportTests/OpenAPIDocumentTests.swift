import Foundation
import ServingHTTP
import Testing

@Suite struct OpenAPIDocumentTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The server carries a copy of `Schemas/openapi.yaml`.
    @Test func theEmbeddedDocumentIsTheSchema() throws {
        let schema = try String(contentsOf: Self.root.appending(path: "Schemas/openapi.yaml"), encoding: .utf8)
        #expect(
            openAPIDocument == schema,
            "Schemas/openapi.yaml changed: run deploy/embed")
    }
}
