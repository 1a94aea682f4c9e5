internal import Yams

/// Reads YAML text into a tree with places, or says where the text is not YAML.
///
/// Bounds: 1 MiB of text and 200,000 nodes after aliases are resolved, so that no file can take the process down.
enum YAMLDocument {
    static let maxBytes = 1 << 20
    static let maxNodes = 200_000
    /// Repeated keys that are reported one by one.
    private static let maxDuplicates = 50

    /// The root, nil when there is none to go on with; faults are appended.
    static func parse(_ text: String, file: String, faults: inout [DefinitionFault]) -> YAMLNode? {
        func fault(_ line: Int, _ column: Int, _ message: String, _ remedy: String) {
            faults.append(DefinitionFault(file: file, line: line, column: column, message: message, remedy: remedy))
        }
        guard text.utf8.count <= maxBytes else {
            fault(1, 1, "the file has \(text.utf8.count) bytes, at most \(maxBytes) are allowed", "split it into several stores")
            return nil
        }
        // Yams stops at the first repeated key. To find all that is wrong at once, the first of two equal keys is marked with a character
        // that no name has (same width, so that places stay right) and the text is read again.
        var text = text
        var marked: [String: String] = [:]
        while true {
            do {
                guard let root = try Yams.compose(yaml: text, .basic) else {
                    fault(1, 1, "the file is empty", "start with `version: 1` and `name: ...`; docs/DEFINITIONS.md has the format")
                    return nil
                }
                var converter = Converter(file: file, marked: marked)
                let node = converter.convert(root)
                faults += converter.faults
                return node
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let mark = context.mark
                let character = Unicode.Scalar(UInt32(0xE000 + marked.count)) ?? "\u{E000}"
                if marked.count < maxDuplicates, let name = names.sorted().first, let (changed, key) = mask(text, mark, name, character) {
                    text = changed
                    marked[key] = name
                    continue
                }
                fault(mark.line, mark.column, "the key `\(names.sorted().first ?? "")` is given twice", "keep one of the two")
                return nil
            } catch {
                let (line, column, problem) = place(of: error)
                fault(line, column, "this is not YAML: \(problem)", remedy(for: problem))
                return nil
            }
        }
    }

    /// The text with the first character of the key at `mark` replaced, and the key as it then reads.
    private static func mask(_ text: String, _ mark: Mark, _ name: String, _ character: Unicode.Scalar) -> (String, String)? {
        let scalars = Array(text.unicodeScalars)
        var at = 0, line = 1
        while line < mark.line, at < scalars.count {
            if scalars[at] == "\n" || (scalars[at] == "\r" && !(at + 1 < scalars.count && scalars[at + 1] == "\n")) { line += 1 }
            at += 1
        }
        at += mark.column - 1
        if at < scalars.count, scalars[at] == "\"" || scalars[at] == "'" { at += 1 }
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty, at >= 0, at + wanted.count <= scalars.count, Array(scalars[at..<at + wanted.count]) == wanted else { return nil }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[..<at])
        view.append(character)
        view.append(contentsOf: scalars[(at + 1)...])
        var key = String.UnicodeScalarView([character])
        key.append(contentsOf: wanted.dropFirst())
        return (String(view), String(key))
    }

    private static func place(of error: any Error) -> (line: Int, column: Int, problem: String) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            return (mark.line, mark.column, problem)
        case YamlError.reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            let line = before.unicodeScalars.reduce(1) { $0 + ($1 == "\n" ? 1 : 0) }
            let column = before.unicodeScalars.reversed().prefix { $0 != "\n" }.count + 1
            return (line, column, problem)
        default: return (1, 1, "\(error)")
        }
    }

    private static func remedy(for problem: String) -> String {
        if problem.contains("tab") || problem.contains("cannot start any token") { return "indent with spaces, and quote values that begin with @ ` % or a tab" }
        if problem.contains("mapping values") { return "check the indentation; quote a value that contains `: `" }
        if problem.contains("another document") { return "keep one document in a file: remove the `---`" }
        if problem.contains("alias") { return "define the anchor (&name) before its alias (*name)" }
        if problem.contains("control characters") { return "remove the control character; save the file as UTF-8" }
        return "check the indentation, quotes and brackets here and on the line above"
    }

    /// Yams' nodes to ours.
    private struct Converter {
        let file: String
        let marked: [String: String]
        var faults: [DefinitionFault] = []
        var nodes = 0

        mutating func convert(_ node: Node) -> YAMLNode? {
            nodes += 1
            guard nodes <= YAMLDocument.maxNodes else {
                if nodes == YAMLDocument.maxNodes + 1 { fault(node.mark, "the file has too many values", "do not repeat large parts by alias") }
                return nil
            }
            let place = SourcePlace(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
            switch node {
            case .scalar(let scalar):
                return YAMLNode(place: place, content: .scalar(scalar.string, quoted: scalar.style != .plain && scalar.style != .any))
            case .sequence(let sequence):
                var list: [YAMLNode] = []
                for element in sequence {
                    guard let value = convert(element) else { return nil }
                    list.append(value)
                }
                return YAMLNode(place: place, content: .list(list))
            case .mapping(let mapping):
                var entries: [YAMLNode.Entry] = []
                var repeated: [(name: String, mark: Mark?)] = []
                for (key, value) in mapping {
                    guard case .scalar(let scalar) = key else {
                        fault(key.mark, "a key must be a name", "write `name: value`")
                        continue
                    }
                    if let name = marked[scalar.string] {
                        repeated.append((name, scalar.mark))
                        continue
                    }
                    guard let value = convert(value) else { return nil }
                    let keyPlace = SourcePlace(line: scalar.mark?.line ?? 1, column: scalar.mark?.column ?? 1)
                    entries.append(.init(key: scalar.string, keyPlace: keyPlace, value: value))
                }
                for (name, mark) in repeated {
                    let kept = entries.first { $0.key == name }?.keyPlace
                    faults.append(
                        DefinitionFault(
                            file: file, line: kept?.line ?? mark?.line ?? 1, column: kept?.column ?? mark?.column ?? 1,
                            message: "the key `\(name)` is given twice", remedy: "keep one; the other is on line \(mark?.line ?? 1)"))
                }
                return YAMLNode(place: place, content: .mapping(entries))
            case .alias: return nil
            }
        }

        mutating func fault(_ mark: Mark?, _ message: String, _ remedy: String) {
            faults.append(DefinitionFault(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, message: message, remedy: remedy))
        }
    }
}
