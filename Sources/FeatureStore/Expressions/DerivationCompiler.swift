/// Checks a derivation's types and translates it to a typed tree. A type of nil is that of the literal `null`, which fits anywhere.
struct DerivationCompiler {
    typealias Typed = (node: DerivationNode, type: ValueType?)

    let names: [String]
    let types: [ValueType]

    /// The functions, with how each is written.
    static let usages: [(name: String, usage: String)] = [
        ("min", "min(a, b, ...)"), ("max", "max(a, b, ...)"), ("abs", "abs(x)"), ("round", "round(x)"), ("floor", "floor(x)"),
        ("ceil", "ceil(x)"), ("log", "log(x)"), ("log1p", "log1p(x)"), ("sqrt", "sqrt(x)"), ("exp", "exp(x)"),
        ("coalesce", "coalesce(a, b, ...)"), ("if", "if(condition, a, b)"), ("clamp", "clamp(x, low, high)"),
        ("get", "get(map, \"key\")"), ("share", "share(map, \"key\")"), ("size", "size(list_or_map)"),
        ("starts_with", "starts_with(text, \"prefix\")"),
    ]

    mutating func compile(_ expression: Expression) throws(ExpressionError) -> Typed {
        let column = expression.column
        switch expression.kind {
        case .number(let value):
            if value.scale == 0, let integer = Int64(exactly: value.units) { return (.constant(.int(integer)), .int) }
            return (.constant(.decimal(units: value.units, scale: value.scale)), .decimal(scale: value.scale))
        case .string(let text): return (.constant(.string(text)), .string)
        case .bool(let value): return (.constant(.bool(value)), .bool)
        case .null: return (.constant(.null), nil)
        case .name(let name):
            // `Derivation.compile` collected every name of the tree.
            guard let index = names.firstIndex(of: name) else {
                throw ExpressionError("there is no feature `\(name)`", column: column, remedy: "name a feature of this entity")
            }
            return (.input(index), types[index])
        case .negate(let inner):
            let (node, type) = try number(inner)
            return (.negate(node), type)
        case .arithmetic(let operation, let left, let right):
            let a = try number(left), b = try number(right)
            if operation != .divide, a.type == .int, b.type == .int { return (.integer(operation, a.node, b.node), .int) }
            return (.double(operation, a.node, b.node), .double)
        case .compare(let comparison, let left, let right):
            return (try compare(comparison, left, right, column), .bool)
        case .isIn(let inner, let members, let negated):
            let value = try scalar(inner)
            var values: [Value] = []
            for member in members {
                let (node, type) = try compile(member)
                try comparable(value.type, type, member.column)
                if case .constant(let constant) = node { values.append(constant) }
            }
            return (.isIn(value.node, values, negated: negated), .bool)
        case .isNull(let inner, let negated): return (.isNull(try compile(inner).node, negated: negated), .bool)
        case .not(let inner): return (.not(try condition(inner)), .bool)
        case .and(let parts): return (.and(try conditions(parts)), .bool)
        case .or(let parts): return (.or(try conditions(parts)), .bool)
        case .call(let name, let arguments): return try call(name, arguments, column)
        }
    }

    private mutating func conditions(_ parts: [Expression]) throws(ExpressionError) -> [DerivationNode] {
        var nodes: [DerivationNode] = []
        for part in parts { nodes.append(try condition(part)) }
        return nodes
    }

    private mutating func condition(_ expression: Expression) throws(ExpressionError) -> DerivationNode {
        let (node, type) = try compile(expression)
        guard type == .bool || type == nil else {
            throw ExpressionError(
                "this is \(shown(type)), and a condition is needed", column: expression.column, remedy: "compare it, as in `... > 0`")
        }
        return node
    }

    private mutating func number(_ expression: Expression) throws(ExpressionError) -> (node: DerivationNode, type: ValueType) {
        let (node, type) = try compile(expression)
        guard let type, type.isNumber else {
            throw ExpressionError(
                "a number is needed, and this is \(shown(type))", column: expression.column,
                remedy: type?.isMap == true ? "take one entry with get(map, \"key\") or share(map, \"key\")"
                    : type?.isList == true ? "take its length with size(list)" : "use numeric features and literals")
        }
        return (node, type)
    }

    private mutating func scalar(_ expression: Expression) throws(ExpressionError) -> Typed {
        let value = try compile(expression)
        guard let type = value.type else {
            throw ExpressionError("null cannot be compared", column: expression.column, remedy: "write `x is null` or `x is not null`")
        }
        guard type.isNumber || type == .string || type == .bool else {
            throw ExpressionError("\(shown(type)) cannot be compared", column: expression.column, remedy: "compare its size(...), or an entry of it")
        }
        return value
    }

    private func comparable(_ left: ValueType?, _ right: ValueType?, _ column: Int) throws(ExpressionError) {
        guard let left, let right, left == right || (left.isNumber && right.isNumber) else {
            throw ExpressionError(
                "\(shown(left)) cannot be compared with \(shown(right))", column: column, remedy: "compare values of one type")
        }
    }

    private mutating func compare(
        _ comparison: Expression.Comparison, _ left: Expression, _ right: Expression, _ column: Int
    ) throws(ExpressionError) -> DerivationNode {
        let a = try scalar(left), b = try scalar(right)
        try comparable(a.type, b.type, right.column)
        if a.type?.isNumber != true, comparison != .equal, comparison != .notEqual {
            throw ExpressionError(
                "`\(comparison.rawValue)` compares numbers, and these are \(shown(a.type))s", column: column, remedy: "use == or !=")
        }
        return .compare(comparison, a.node, b.node)
    }

    // MARK: Functions

    private mutating func call(_ name: String, _ arguments: [Expression], _ column: Int) throws(ExpressionError) -> Typed {
        func expect(_ range: ClosedRange<Int>) throws(ExpressionError) {
            guard !range.contains(arguments.count) else { return }
            let usage = Self.usages.first { $0.name == name }?.usage ?? name
            let wanted = range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound)"
            throw ExpressionError(
                "\(name) takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)", column: column, remedy: "write \(usage)")
        }
        switch name {
        case "min", "max":
            try expect(2 ... .max)
            var all: [Typed] = []
            for argument in arguments { all.append(try number(argument)) }
            let (nodes, type) = try unify(all, arguments, name)
            return (.extreme(nodes, largest: name == "max"), type)
        case "abs":
            try expect(1...1)
            let (node, type) = try number(arguments[0])
            return (.absolute(node), type)
        case "round", "floor", "ceil":
            try expect(1...1)
            let rule: FloatingPointRoundingRule = name == "round" ? .toNearestOrAwayFromZero : name == "floor" ? .down : .up
            return (.rounded(try number(arguments[0]).node, rule), .int)
        case "log", "log1p", "sqrt", "exp":
            try expect(1...1)
            let function: DerivationNode.Function = name == "log" ? .log : name == "log1p" ? .log1p : name == "sqrt" ? .sqrt : .exp
            return (.function(function, try number(arguments[0]).node), .double)
        case "coalesce":
            try expect(1 ... .max)
            var all: [Typed] = []
            for argument in arguments { all.append(try compile(argument)) }
            let (nodes, type) = try unify(all, arguments, name)
            return (.coalesce(nodes), type)
        case "if":
            try expect(3...3)
            let test = try condition(arguments[0])
            let branches = [try compile(arguments[1]), try compile(arguments[2])]
            let (nodes, type) = try unify(branches, Array(arguments.dropFirst()), name)
            return (.choose(test, then: nodes[0], otherwise: nodes[1]), type)
        case "clamp":
            try expect(3...3)
            var all: [Typed] = []
            for argument in arguments { all.append(try number(argument)) }
            let (nodes, type) = try unify(all, arguments, name)
            return (.clamp(nodes[0], low: nodes[1], high: nodes[2]), type)
        case "get", "share":
            try expect(2...2)
            let map = try compile(arguments[0])
            guard case .map(let element)? = map.type else {
                throw ExpressionError(
                    "\(name) needs a map, and this is \(shown(map.type))", column: arguments[0].column, remedy: "give it a count_by or sum_by feature")
            }
            let key = try string(arguments[1], of: name)
            if name == "share" { return (.share(map.node, key: key), .double) }
            var absent = Value.int(0)
            if case .decimal(let scale) = element { absent = .decimal(units: 0, scale: scale) }
            return (.entry(map.node, key: key, absent: absent), element)
        case "size":
            try expect(1...1)
            let value = try compile(arguments[0])
            guard value.type?.isMap == true || value.type?.isList == true else {
                throw ExpressionError(
                    "size needs a list or a map, and this is \(shown(value.type))", column: arguments[0].column,
                    remedy: "give it a last_n, top_k, count_by or sum_by feature")
            }
            return (.size(value.node), .int)
        case "starts_with":
            try expect(2...2)
            return (.startsWith(try string(arguments[0], of: name), try string(arguments[1], of: name)), .bool)
        default:
            throw ExpressionError(
                "there is no function `\(name)`", column: column,
                remedy: NearestName.remedy(name, in: Self.usages.map(\.name), what: "function"))
        }
    }

    private mutating func string(_ expression: Expression, of function: String) throws(ExpressionError) -> DerivationNode {
        let (node, type) = try compile(expression)
        guard type == .string else {
            throw ExpressionError(
                "\(function) needs a string here, and this is \(shown(type))", column: expression.column, remedy: "write it in quotes")
        }
        return node
    }

    /// One type for several branches: equal types, or numbers as the narrowest that holds them all (int64, decimal of the largest
    /// scale, double).
    private func unify(
        _ parts: [Typed], _ sources: [Expression], _ function: String
    ) throws(ExpressionError) -> (nodes: [DerivationNode], type: ValueType?) {
        var common: ValueType?
        for (part, source) in zip(parts, sources) {
            guard let type = part.type else { continue }
            guard let before = common else {
                common = type
                continue
            }
            guard let wider = before.widened(with: type) else {
                throw ExpressionError(
                    "\(function) needs values of one type, and this is \(shown(type)) after \(shown(before))", column: source.column,
                    remedy: "make both numbers, both strings or both bools")
            }
            common = wider
        }
        guard let common, common.isNumber else { return (parts.map(\.node), common) }
        return (parts.map { $0.type == nil || $0.type == common ? $0.node : .converted($0.node, common) }, common)
    }

    private func shown(_ type: ValueType?) -> String {
        guard let type else { return "null" }
        switch type {
        case .int: return "an int64"
        default: return "a \(type)"
        }
    }
}

extension ValueType {
    package var isNumber: Bool {
        switch self {
        case .int, .double, .decimal: true
        default: false
        }
    }
    var isList: Bool {
        switch self {
        case .list, .ranking: true
        default: false
        }
    }
    var isMap: Bool { if case .map = self { true } else { false } }

    /// The type that holds values of both; nil when there is none.
    func widened(with other: ValueType) -> ValueType? {
        switch (self, other) {
        case (.decimal(let a), .decimal(let b)): .decimal(scale: Swift.max(a, b))
        case (.decimal, .int): self
        case (.int, .decimal): other
        default: self == other ? self : (isNumber && other.isNumber ? .double : nil)
        }
    }
}
