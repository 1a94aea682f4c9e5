internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Serving

struct FeastRepo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feast-repo",
        abstract: "Writes a Feast feature repository with which Feast's own SDK reads from Millrace.",
        discussion: """
              millrace feast-repo --url http://features.internal:8080 feature_repo
              python -c 'from feast import FeatureStore
              store = FeatureStore("feature_repo")
              print(store.get_online_features(["customer_clicks:clicks_24h"], [{"customer": "c0000001"}]).to_dict())'

            It holds feature_store.yaml, which newer SDKs (0.64 and later) need alone, and features.py with the entities, feature views and services of \
            the definitions, which older ones read after `feast apply`. docs/FEAST.md says what is equal to what.
            """)

    @OptionGroup var options: DefinitionsOptions
    @Option(help: "Where clients reach the HTTP server.")
    var url = "http://127.0.0.1:8080"
    @Flag(help: "Write over the files that are there.")
    var force = false
    @Argument(help: "The directory to write to.")
    var directory = "feature_repo"

    func validate() throws {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false else {
            throw ValidationError("--url \(url): write it as http://host:port")
        }
    }

    func run() throws {
        let repository = FeastRepository(try options.load(), url: url)
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for (name, _) in repository.files {
                let path = "\(directory)/\(name)"
                if !force, FileManager.default.fileExists(atPath: path) {
                    printError("\(path) is there already; name another directory, or say --force to write over it")
                    throw Exit.failed
                }
            }
            for (name, text) in repository.files {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
                print("\(directory)/\(name)")
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            printError("\(directory): \(error.localizedDescription)")
            throw Exit.failed
        }
    }
}
