internal import ArgumentParser
internal import FeatureStore
internal import Foundation

/// `--definitions FILE`, shared by all commands.
struct DefinitionsOptions: ParsableArguments {
    @Option(name: [.short, .long], help: ArgumentHelp("The definitions file.", valueName: "file"))
    var definitions = "millrace.yaml"

    /// Loads the file with the environment's overrides; prints every fault and exits with 2 when it has some.
    func load() throws -> Definitions {
        do {
            return try Definitions.load(path: definitions, environment: ProcessInfo.processInfo.environment)
        } catch {
            for fault in error.faults { printError("\(fault)") }
            let count = error.faults.count
            printError("\(count) fault\(count == 1 ? "" : "s") in \(definitions)")
            throw Exit.faultyDefinitions
        }
    }

    /// `load`, for a server: they must also say who may ask it, when others than this machine can.
    func loadForServing() throws -> Definitions {
        let definitions = try load()
        if definitions.exposure.isEmpty { return definitions }
        for fault in definitions.exposure { printError("\(fault)") }
        throw Exit.faultyDefinitions
    }

    /// Per stream: the descriptor set of a Protobuf stream.
    func descriptorSets(_ definitions: Definitions) throws -> [[UInt8]?] {
        try definitions.streams.map { stream in
            guard case .protobuf(let format) = stream.format else { return nil }
            guard let data = FileManager.default.contents(atPath: format.descriptorSet) else {
                printError("""
                    stream `\(stream.name)`: the descriptor set \(format.descriptorSet) cannot be read; make it with
                      protoc --include_imports --descriptor_set_out=\(format.descriptorSet) YOUR.proto
                    """)
                throw Exit.faultyDefinitions
            }
            return [UInt8](data)
        }
    }
}

func printError(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
