internal import Foundation

extension Definitions {
    /// Reads and checks definitions from YAML text. docs/DEFINITIONS.md has the format.
    ///
    /// - Parameters:
    ///   - yaml: The text, at most 1 MiB.
    ///   - file: Its path, for messages and for the relative paths in it.
    ///   - environment: Variables; those named `MILLRACE_...` override deployment settings.
    /// - Throws: Every fault at once, each with its place and a remedy.
    public static func load(
        yaml: String, file: String, environment: [String: String] = [:]
    ) throws(DefinitionFaults) -> Definitions {
        try DefinitionLoader.load(yaml, file: file, environment: environment)
    }

    /// Reads the file at `path`, at most 1 MiB of UTF-8.
    public static func load(path: String, environment: [String: String] = [:]) throws(DefinitionFaults) -> Definitions {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DefinitionFaults(faults: [
                DefinitionFault(
                    file: path, line: 0, column: 0, message: "the definitions file cannot be read",
                    remedy: "check the path and its permissions; Examples/shop/millrace.yaml is one to start from")
            ])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw DefinitionFaults(faults: [
                DefinitionFault(file: path, line: 0, column: 0, message: "the definitions file is not UTF-8", remedy: "save it as UTF-8 text")
            ])
        }
        return try load(yaml: text, file: path, environment: environment)
    }

    /// The type of a feature's values, given the stream it is computed from. Fields that the stream does not have count as int64.
    ///
    /// Sums have as many digits as fit in 128 bits, so a sum of int64 is a decimal of scale 0.
    public static func featureType(of feature: FeatureDefinition, in stream: StreamDefinition) -> ValueType {
        func type(_ field: String) -> ValueType {
            switch stream.fields.first(where: { $0.name == field })?.type {
            case .string: .string
            case .bool: .bool
            case .decimal(let scale): .decimal(scale: scale)
            case .vector(_, let scale): .list(.decimal(scale: scale))
            case .double: .double
            case .doubles: .list(.double)
            case .int64, nil: .int
            }
        }
        func sum(_ field: String) -> ValueType { if case .decimal(let scale) = type(field) { .decimal(scale: scale) } else { .decimal(scale: 0) } }
        switch feature.aggregation {
        case .count, .distinctCount: return .int
        case .sum(let field): return sum(field)
        case .mean(let field): if case .list = type(field) { return .list(.double) } else { return .double }
        case .conversion: return .double
        case .min(let field), .max(let field), .first(let field), .last(let field): return type(field)
        case .lastN(let field, _, _): return .list(type(field))
        case .countBy: return .map(.int)
        case .sumBy(let field, _, _): return .map(sum(field))
        case .timeSinceLast, .timeSinceFirst: return .decimal(scale: 6)
        case .sessionCount, .streak: return .int
        case .deviation, .percentile, .decayedCount, .decayedSum, .sessionLength, .bounceRate: return .double
        case .topK: return .ranking
        }
    }
}
