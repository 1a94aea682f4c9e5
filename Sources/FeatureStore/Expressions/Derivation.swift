/// A derived feature's formula, compiled: computes a value from other features of the same entity.
///
///     let rate = try Derivation.compile("purchases_24h / max(clicks_24h, 1)") { types[$0] }
///     rate.inputNames                        // ["purchases_24h", "clicks_24h"]
///     rate.evaluate { inputs[$0] }
///
/// Total: each evaluation ends, in time proportional to the formula, and gives a value of `type` or null. Null in gives null out, except
/// through `coalesce`, `is null`, the branch that `if` does not take, and `and`/`or` when the other side decides.
public struct Derivation: Sendable {
    /// The features it reads, each once, in the order of their first use. `evaluate` asks for them by index.
    public let inputNames: [String]
    public let type: ValueType
    let root: DerivationNode

    /// Checks names and types and translates. `inputs` gives the type of a feature, nil for an unknown name. `known` is for the error
    /// message of an unknown name. Throws the first error, with its column.
    public static func compile(
        _ text: String, known: [String] = [], inputs: (String) -> ValueType?
    ) throws(ExpressionError) -> Derivation {
        let tree = try ExpressionParser.parse(text)
        var names: [String] = []
        var types: [ValueType] = []
        for (name, column) in tree.names where !names.contains(name) {
            guard let type = inputs(name) else {
                throw ExpressionError(
                    "there is no feature `\(name)`", column: column, remedy: NearestName.remedy(name, in: known, what: "feature of this entity"))
            }
            names.append(name)
            types.append(type)
        }
        var compiler = DerivationCompiler(names: names, types: types)
        let (root, type) = try compiler.compile(tree)
        guard let type else {
            throw ExpressionError("this is always null", column: tree.column, remedy: "give a formula that names a feature")
        }
        return Derivation(inputNames: names, type: type, root: root)
    }

    /// The value, given those of the inputs. An input that is not of its declared type counts as null.
    public func evaluate(_ inputs: (Int) -> Value) -> Value { root.evaluate(inputs) }
}

extension Expression {
    /// Every name it reads, with its column, in order of appearance.
    var names: [(name: String, column: Int)] {
        switch kind {
        case .number, .string, .bool, .null: []
        case .name(let name): [(name, column)]
        case .negate(let a), .not(let a), .isNull(let a, _), .isIn(let a, _, _): a.names
        case .arithmetic(_, let a, let b), .compare(_, let a, let b): a.names + b.names
        case .and(let all), .or(let all), .call(_, let all): all.flatMap(\.names)
        }
    }
}
