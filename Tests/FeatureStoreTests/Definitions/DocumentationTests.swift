import FeatureStore
import Foundation
import Testing

/// docs/DEFINITIONS.md says what is true.
@Suite struct DocumentationTests {
    @Test func theShortExampleLoads() throws {
        let path = ExampleTests.path.replacing("Examples/shop/millrace.yaml", with: "docs/DEFINITIONS.md")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let yaml = try #require(text.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first)
        let definitions = try Definitions.load(yaml: yaml, file: "millrace.yaml")
        #expect(definitions.services[0].features == ["clicks_5m", "clicks_1h", "per_click"])
    }
}
