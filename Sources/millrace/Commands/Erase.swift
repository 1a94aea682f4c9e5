internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Ingest
internal import JSONBytes
internal import Serving

struct Erase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Erases entities: everything that Millrace keeps of them, for good.",
        discussion: """
            Produces to the topic of erasures (`privacy:` in the definitions), which every server reads like events: rows, counts and kept answers \
            go, a pseudonym stays, and no replay, backfill, restored copy or late event brings the entity back. Then it waits until the shards of \
            the store's directory, if it is here, have applied it, and prints a receipt.

              millrace erase -d shop.yaml c0000001 c0000002
              millrace erase -d shop.yaml --keys ids.txt
              millrace erase -d shop.yaml --check 5be0d1e4c3b1a0f290b1ff0a53d4b7aa

            Exit codes: 0 erased in every shard (--check: and the bytes purged from the files), 1 not, or not yet.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: "What the keys are keys of. Default: the first that can be erased.")
    var entity: String?
    @Option(name: .customLong("keys"), help: ArgumentHelp("A file with a key on each line; - for standard input.", valueName: "file"))
    var keyFile: String?
    @Option(help: ArgumentHelp("Say what became of an erasure.", valueName: "receipt"))
    var check: String?
    @Option(help: ArgumentHelp("How long to wait for the shards.", valueName: "seconds"))
    var wait = 10
    @Argument(help: "Entity keys, such as customer ids.")
    var keys: [String] = []

    func validate() throws {
        if check != nil ? !keys.isEmpty || keyFile != nil : keys.isEmpty && keyFile == nil {
            throw ValidationError("name at least one key, or --keys, or --check alone")
        }
        if !(0...3600).contains(wait) { throw ValidationError("--wait is a number of seconds from 0 to 3600") }
    }

    func run() async throws {
        let definitions = try options.load()
        guard let erasures = definitions.privacy.erasures else {
            printError("the definitions have no `privacy: {erasures: {topic: ...}}`: nobody can be erased (docs/PRIVACY.md)")
            throw Exit.failed
        }
        if let check { return try report(definitions, check) }
        let entity = entity ?? erasures.entities.first ?? ""
        var left = try allKeys()[...]
        let receipt = ErasureReceipt.newID()
        do {
            let producer = try EraseProducer(definitions.kafka, topic: erasures.topic)
            producer.start()
            defer { producer.stop() }
            let partitions = try producer.partitionCount()
            while !left.isEmpty {
                let request = try EraseRequest(entity: entity, keys: Array(left.prefix(EraseRequest.maxKeys)), definitions: definitions)
                _ = try await producer.erase(request.entity, request.keys, receipt: receipt, partitions: partitions)
                left = left.dropFirst(EraseRequest.maxKeys)
            }
        } catch let problem as LookupProblem {
            printError("\(problem.detail) \(problem.remedy)")
            throw Exit.failed
        } catch {
            printError("\(error)")
            throw Exit.failed
        }
        printError("durable in \(erasures.topic); receipt \(receipt)")
        try await waitForShards(definitions, receipt)
    }

    private func allKeys() throws -> [String] {
        guard let keyFile else { return keys }
        let data = keyFile == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: keyFile)
        guard let data, let text = String(data: data, encoding: .utf8) else {
            printError("the file \(keyFile) cannot be read as UTF-8 text")
            throw Exit.failed
        }
        return keys + text.split(whereSeparator: \.isNewline).map(String.init)
    }

    private func waitForShards(_ definitions: Definitions, _ receipt: String) async throws {
        guard !Store.shardNumbers(in: definitions.store.directory).isEmpty else {
            printError("there is no shard here: ask a server with GET /v1/erasures/\(receipt)")
            return
        }
        let deadline = ContinuousClock.now + .seconds(wait)
        while true {
            if let known = try? Self.read(definitions, receipt), known.outcome != .pending { return print(known) }
            guard ContinuousClock.now < deadline else {
                printError("""
                    not all shards of \(definitions.store.directory) have applied it within \(wait) s: they will when their server has read that far. \
                    Ask again with --check \(receipt)
                    """)
                throw Exit.failed
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func report(_ definitions: Definitions, _ receipt: String) throws {
        var found: ErasureReceipt?
        try reportingErrors { found = try Self.read(definitions, receipt) }
        guard let found else {
            printError("no shard of \(definitions.store.directory) has heard of the receipt \(receipt)")
            throw Exit.failed
        }
        print(found)
        if found.outcome != .purged { throw Exit.failed }
    }

    private func print(_ receipt: ErasureReceipt) {
        Swift.print(String(decoding: EraseAnswer(receipt: receipt).json(), as: UTF8.self))
    }

    /// The store anew each time: a purge puts another directory in its place.
    private static func read(_ definitions: Definitions, _ receipt: String) throws -> ErasureReceipt? {
        let store = Store(definitions)
        defer { store.closeAll() }
        try store.openExisting()
        return try store.erasure(receipt: receipt)
    }
}
