internal import ArgumentParser
internal import FeatureStore
internal import Ingest

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says whether a definitions file is right.",
        discussion: """
            Prints every fault as FILE:LINE:COLUMN with what is wrong and what would be right, and exits with 2. Protobuf streams are \
            checked against their descriptor sets. Nothing is started or connected to.
            """)

    @OptionGroup var options: DefinitionsOptions

    func run() throws {
        let definitions = try options.loadForServing()
        let descriptorSets = try options.descriptorSets(definitions)
        var isFaulty = false
        for (index, stream) in definitions.streams.enumerated() {
            do {
                _ = try EventDecoder(stream: stream, index: Int32(index), descriptorSet: descriptorSets[index])
            } catch {
                printError("\(error)")
                isFaulty = true
            }
        }
        if isFaulty { throw Exit.faultyDefinitions }
        let features = definitions.views.reduce(0) { $0 + $1.features.count } + definitions.derived.count
        print("""
            \(options.definitions) is right: \(definitions.streams.count) streams, \(definitions.views.count) views, \
            \(features) features, \(definitions.services.count) services
            """)
    }
}
