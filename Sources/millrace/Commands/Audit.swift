internal import ArgumentParser
internal import Serving

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "What there is to do with audit logs.", subcommands: [AuditVerify.self])
}

struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Finds the first record of an audit log that was changed, taken out, put in or moved.",
        discussion: """
            Give all files of the log, in any order. It prints the head, NUMBER:HASH of the newest record, and exits with 0; or the file and line \
            of the first record that is wrong, and exits with 1.

            What was cut off at the end does not show in what is left, so keep the head somewhere else and give it the next time:

              millrace audit verify audit.*ndjson
              millrace audit verify audit.*ndjson --head 1200:9f86d081...
            """)

    @Argument(help: ArgumentHelp("The files of the log.", valueName: "file"))
    var files: [String]

    @Option(help: ArgumentHelp("A head that was noted down; may be given several times. The log must still have it.", valueName: "number:hash"), transform: Self.parsed)
    var head: [AuditHead] = []

    @Option(help: ArgumentHelp("The record before the first one here, when older files are elsewhere.", valueName: "number:hash"), transform: Self.parsed)
    var after: AuditHead?

    func run() throws {
        var verification = AuditVerification(after: after ?? .none, heads: head)
        do throws(AuditVerification.Fault) {
            try verification.read(files)
        } catch {
            printError("\(error)")
            throw Exit.failed
        }
        print("\(verification.records) records are as they were written\nhead \(verification.head)")
    }

    private static func parsed(_ text: String) throws -> AuditHead {
        if let head = AuditHead(text) { return head }
        throw ValidationError("`\(text)` is no head: write the number of a record and its hash, 1200:9f86d081...")
    }
}
