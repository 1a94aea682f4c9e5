/// Reads one definitions file: walks its tree section by section, takes down every fault it meets and goes on.
///
/// What one fault makes unknowable (the type of a feature whose field does not exist) is remembered as broken, so that one mistake
/// gives one message.
final class DefinitionLoader {
    let file: String
    /// The definitions file's, for relative paths; empty for the current one.
    let directory: String
    let environment: [String: String]
    private let lines: [Substring]
    private(set) var faults: [DefinitionFault] = []

    var entities: [EntityDefinition] = []
    var streams: [ParsedStream] = []
    /// Streams that are named but could not be read.
    var brokenStreams: Set<String> = []
    /// Of the view that is being read.
    var calendar = ParsedCalendar()
    var views: [ViewDefinition] = []
    var features = FeatureDirectory()
    /// Of the service that is read, a level is wrong: then unknown ones prove nothing.
    var hasBrokenLevels = false
    var inputs: [InputDefinition] = []
    var derived: [DerivedDefinition] = []
    var pushed: [PushedDefinition] = []
    var services: [ServiceDefinition] = []

    init(file: String, text: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
        directory = file.lastIndex(of: "/").map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? ""
        lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    }

    /// The definitions, or every fault.
    static func load(_ text: String, file: String, environment: [String: String]) throws(DefinitionFaults) -> Definitions {
        let loader = DefinitionLoader(file: file, text: text, environment: environment)
        let root = YAMLDocument.parse(text, file: file, faults: &loader.faults)
        let definitions = root.flatMap(loader.read)
        loader.checkVariables()
        if loader.faults.isEmpty, let definitions { return definitions }
        throw DefinitionFaults(faults: loader.sortedFaults)
    }

    private var sortedFaults: [DefinitionFault] {
        faults.enumerated().sorted { a, b in
            let x = a.element, y = b.element
            if (x.line == 0) != (y.line == 0) { return y.line == 0 }
            if x.line != y.line { return x.line < y.line }
            if x.column != y.column { return x.column < y.column }
            return a.offset < b.offset
        }.map(\.element)
    }

    private func read(_ root: YAMLNode) -> Definitions? {
        let keys = [
            "version", "name", "entities", "streams", "views", "pushed", "inputs", "derived", "services", "store", "kafka", "server", "privacy",
            "access", "audit", "snapshots", "monitoring", "logs",
        ]
        guard let top = section(root, "the file", keys: keys) else { return nil }
        if let node = required(top, "version", "add `version: 1`, the version of this format") {
            _ = integer(node, "version", in: 1...1, remedy: "write `version: 1`, the only one there is")
        }
        let name = required(top, "name", "add `name: ...`, the name of this set of features").flatMap { self.name($0, "name") }
        readEntities(required(top, "entities", "add `entities: {customer: {description: ...}}`"))
        // Pushed features alone make a store, too.
        let mayLack = top["pushed"] != nil
        readStreams(mayLack ? top["streams"] : required(top, "streams", "add the Kafka topics under `streams:`"))
        if !mayLack || top["views"] != nil { readViews(required(top, "views", "add the features under `views:`")) }
        readPushed(top["pushed"])
        readInputs(top["inputs"])
        readDerived(top["derived"])
        readServices(top["services"])
        addPushedServices()
        let store = readStore(top["store"]), kafka = readKafka(top["kafka"]), server = readServer(top["server"])
        var definitions = Definitions(
            name: name ?? "", entities: entities, streams: streams.map(\.definition), views: views, derived: derived,
            pushed: pushed, services: services, store: store, kafka: kafka, server: server)
        definitions.inputs = inputs
        definitions.privacy = readPrivacy(top["privacy"])
        definitions.access = readAccess(top["access"])
        definitions.audit = readAudit(top["audit"], erasures: definitions.privacy.erasures)
        definitions.exposure = exposure(server, definitions.access, top["server"])
        definitions.snapshots = readSnapshots(top["snapshots"])
        definitions.monitoring = readMonitoring(top["monitoring"])
        definitions.logs = readLogs(top["logs"])
        return definitions.withErasureStream()
    }

    // MARK: Faults

    func fault(_ place: SourcePlace, _ message: String, _ remedy: String) {
        faults.append(
            DefinitionFault(
                file: place.variable ?? file, line: place.variable == nil ? place.line : 0,
                column: place.variable == nil ? place.column : 0, message: message, remedy: remedy))
    }

    /// A fault inside an expression: at its very column when the text stands in the file as it is, else at the value's beginning.
    func fault(_ error: ExpressionError, in node: YAMLNode, of text: String) {
        var error = error
        if node.isCutAtComma { error.remedy = "put the expression in quotes: inside { } a comma ends a value without quotes" }
        if case .scalar(_, let quoted) = node.content, lines.indices.contains(node.place.line - 1) {
            let start = node.place.column - 1 + (quoted ? 1 : 0)
            let line = lines[node.place.line - 1].unicodeScalars.dropFirst(start)
            if line.starts(with: text.unicodeScalars) {
                return fault(
                    SourcePlace(line: node.place.line, column: start + error.column), error.message, error.remedy)
            }
        }
        fault(node.place, "\(error.message) (at column \(error.column) of the expression)", error.remedy)
    }

    /// A path of the file, relative to the file's own directory.
    func resolve(_ path: String) -> String {
        path.hasPrefix("/") || directory.isEmpty ? path : directory == "/" ? "/" + path : "\(directory)/\(path)"
    }
}
