internal import ArgumentParser
internal import FeatureStore

struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints each feature with type, window, hop, error bound and bytes.",
        discussion: """
            The window bound says by how much a window may be too long (its left edge is snapped down to a hop); the bytes say what a tile of \
            the view takes in a row, and what a typical customer's row takes.
            """)

    @OptionGroup var options: DefinitionsOptions

    func run() throws {
        let definitions = try options.load()
        print(definitions.describe(bytes: Catalog.tileBytes(of: definitions)))
    }
}
