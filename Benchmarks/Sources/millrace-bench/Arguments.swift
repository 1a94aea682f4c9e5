internal import FeatureStore

/// `COMMAND --name value ...`, and nothing more.
struct Arguments {
    let command: String
    private var values: [String: String] = [:]

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    init(_ words: ArraySlice<String>) throws {
        command = words.first ?? "help"
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            guard word.hasPrefix("--"), let value = rest.popFirst() else {
                throw Problem("\(word): options are written `--name value`; run `millrace-bench help`")
            }
            values[String(word.dropFirst(2))] = value
        }
    }

    func text(_ name: String, _ otherwise: String) -> String { values[name] ?? otherwise }

    func required(_ name: String) throws -> String {
        guard let value = values[name] else { throw Problem("\(command) needs --\(name)") }
        return value
    }

    func int(_ name: String, _ otherwise: Int) throws -> Int {
        guard let text = values[name] else { return otherwise }
        guard let value = Int(text), value > 0 else { throw Problem("--\(name) \(text): write a positive whole number") }
        return value
    }

    func number(_ name: String, _ otherwise: Double) throws -> Double {
        guard let text = values[name] else { return otherwise }
        guard let value = Double(text), value > 0 else { throw Problem("--\(name) \(text): write a positive number") }
        return value
    }

    /// The definitions with their store in `directory`, in a durability mode.
    func definitions(store directory: String, durability: StoreSettings.Durability? = nil) throws -> Definitions {
        var definitions = try Definitions.load(path: text("definitions", "Examples/shop/millrace.yaml"))
        definitions.store.directory = directory
        if let durability { definitions.store.durability = durability }
        if let brokers = values["brokers"] { definitions.kafka.brokers = brokers }
        definitions.kafka.assignment = .static
        return definitions
    }

    func durabilities() throws -> [StoreSettings.Durability] {
        let mode = text("mode", "both")
        if mode == "both" { return [.commit, .replay] }
        guard let one = StoreSettings.Durability(rawValue: mode) else { throw Problem("--mode \(mode): commit, replay or both") }
        return [one]
    }
}
