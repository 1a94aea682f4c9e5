internal import ArgumentParser
internal import FeatureStore

/// The command line. `millrace --help` and `millrace COMMAND --help` teach it.
@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Turns Kafka events into rolling features and serves them.",
        discussion: """
            One program reads click and purchase events from Kafka, keeps rolling per-customer features in LMDB and answers lookups over \
            HTTP and gRPC. Everything is said in one definitions file (see Examples/shop/millrace.yaml).

            A first session:
              millrace check    -d Examples/shop/millrace.yaml     is the file right?
              millrace describe -d Examples/shop/millrace.yaml     what will be kept, how exact, how large?
              millrace serve    -d Examples/shop/millrace.yaml --create-topics 4
              millrace generate -d Examples/shop/millrace.yaml --rate 1000
              millrace get      -d Examples/shop/millrace.yaml --service homepage c0004559
              millrace explain  -d Examples/shop/millrace.yaml clicks_24h c0004559

            Exit codes: 0 done, 1 failed, 2 the definitions file has faults, 64 wrong usage.
            """,
        version: Build.version,
        subcommands: [
            Serve.self, Get.self, Explain.self, BackfillCommand.self, ExportCommand.self, RebuildCommand.self, Verify.self, SnapshotCommand.self,
            RestoreCommand.self, Load.self, Erase.self, Retention.self, Monitor.self, Check.self, Describe.self, FeastRepo.self, Generate.self,
            TokenCommand.self, AuditCommand.self,
        ])
}

/// Exit codes beyond those of ArgumentParser.
enum Exit {
    static let failed = ExitCode(1)
    static let faultyDefinitions = ExitCode(2)
}

/// Runs what a command is for. An error is printed and ends the program with 1; an exit code goes on as it is.
func reportingErrors(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch {
        printError("\(error)")
        throw Exit.failed
    }
}

extension Store {
    /// The store that the definitions name, opened for reading beside whoever writes it; closed afterwards.
    static func reading(_ definitions: Definitions, _ body: (Store) throws -> Void) throws {
        let store = Store(definitions)
        try reportingErrors { try store.openExisting() }
        defer { store.closeAll() }
        try body(store)
    }
}

extension Generation {
    /// `--discard` of the commands that build generations.
    static func discardAndTell(_ definitions: Definitions) throws {
        let shards = try discardAll(in: definitions.store.directory)
        print(shards.isEmpty ? "nothing to discard" : "discarded the next generation of shards \(shards.map(String.init).joined(separator: ", "))")
    }
}
