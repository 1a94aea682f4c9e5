/// Checks a filter's names and types and translates it to tests.
///
/// Tests are emitted last first: each is told where to go on, so that `and`, `or` and `not` cost nothing of their own.
struct FilterCompiler {
    /// What an expression gives. Int64 is a number of scale 0.
    enum Kind: Equatable { case number(scale: Int), string, bool }

    let fields: [FieldDefinition]
    private(set) var instructions: [FilterInstruction] = []
    private(set) var steps: [FilterStep] = []
    private(set) var strings: [FilterString] = []
    private(set) var integers: [Int64] = []
    private(set) var bytes: [UInt8] = []

    init(fields: [FieldDefinition]) { self.fields = fields }

    mutating func compile(_ root: Expression) throws(ExpressionError) -> Int32 {
        try condition(root, FilterInstruction.accept, FilterInstruction.reject)
    }

    // MARK: Conditions

    private mutating func emit(_ instruction: FilterInstruction, _ onTrue: Int32, _ onFalse: Int32) -> Int32 {
        if onTrue == onFalse { return onTrue }
        var instruction = instruction
        instruction.onTrue = onTrue
        instruction.onFalse = onFalse
        instructions.append(instruction)
        return Int32(instructions.count - 1)
    }

    /// The index of the first test of `expression`.
    private mutating func condition(_ expression: Expression, _ onTrue: Int32, _ onFalse: Int32) throws(ExpressionError) -> Int32 {
        switch expression.kind {
        case .bool(let value): return value ? onTrue : onFalse
        case .and(let parts):
            var next = onTrue
            for part in parts.reversed() { next = try condition(part, next, onFalse) }
            return next
        case .or(let parts):
            var next = onFalse
            for part in parts.reversed() { next = try condition(part, onTrue, next) }
            return next
        case .not(let inner): return try condition(inner, onFalse, onTrue)
        case .compare(let comparison, let left, let right): return try compare(comparison, left, right, expression.column, onTrue, onFalse)
        case .isIn(let value, let members, let negated): return try isIn(value, members, negated, onTrue, onFalse)
        case .isNull(let value, let negated):
            return negated ? try isNull(value, onFalse, onTrue) : try isNull(value, onTrue, onFalse)
        case .call(let name, let arguments):
            let (field, prefix) = try startsWith(name, arguments, expression.column)
            return emit(FilterInstruction(operation: .startsWith, field: field, constant: add(prefix)), onTrue, onFalse)
        case .name(let name):
            let index = try field(name, expression.column)
            guard fields[index].type == .bool else {
                throw ExpressionError(
                    "`\(name)` is \(shown(fields[index].type)), and a condition is needed", column: expression.column,
                    remedy: "compare it, as in `\(name) == ...`, or write `\(name) is not null`")
            }
            return emit(FilterInstruction(operation: .equal, field: Int32(index), constant: 1), onTrue, onFalse)
        case .number, .string, .null, .negate, .arithmetic:
            if case .null = expression.kind { throw nullLiteral(expression.column) }
            let kind = try check(expression)
            throw ExpressionError(
                "this is \(shown(kind)), and a condition is needed", column: expression.column, remedy: "compare it, as in `... > 0`")
        }
    }

    private mutating func isNull(_ value: Expression, _ onTrue: Int32, _ onFalse: Int32) throws(ExpressionError) -> Int32 {
        if case .name(let name) = value.kind {
            return emit(FilterInstruction(operation: .isNull, field: Int32(try field(name, value.column))), onTrue, onFalse)
        }
        guard case .number = try check(value) else {
            throw ExpressionError("this is never null", column: value.column, remedy: "ask `is null` of a field")
        }
        let start = steps.count
        _ = try number(value, depth: 1)
        return emit(
            FilterInstruction(operation: .isUnknown, count: Int32(steps.count - start), constant: Int64(start)), onTrue, onFalse)
    }

    private mutating func isIn(
        _ value: Expression, _ members: [Expression], _ negated: Bool, _ onTrue: Int32, _ onFalse: Int32
    ) throws(ExpressionError) -> Int32 {
        let kind = try check(value)
        for member in members { try same(kind, check(member), member.column) }
        guard case .name(let name) = value.kind else {
            guard case .number = kind else {
                throw ExpressionError("`in` needs a field or a number on its left", column: value.column, remedy: "write `field in (...)`")
            }
            // A computed number: one comparison per member. `not in` of null is false, as every comparison with null is.
            var next = negated ? onTrue : onFalse
            for member in members.reversed() {
                next = try compare(.equal, value, member, value.column, negated ? onFalse : onTrue, next)
            }
            return negated ? try isNull(value, onFalse, next) : next
        }
        let index = Int32(try field(name, value.column))
        var test = FilterInstruction(operation: .inStrings, field: index)
        if case .string = kind {
            test.constant = Int64(strings.count)
            for case .string(let text) in members.map(\.kind) { _ = add(text) }
            test.count = Int32(strings.count - Int(test.constant))
        } else {
            test.operation = .inIntegers
            test.constant = Int64(integers.count)
            for member in members {
                // A member that the field's scale cannot hold is equal to no value of it.
                if let units = literal(member).exactly(scale: scale(kind)), let word = Int64(exactly: units) { integers.append(word) }
            }
            test.count = Int32(integers.count - Int(test.constant))
        }
        guard negated else { return emit(test, onTrue, onFalse) }
        let inside = emit(test, onFalse, onTrue)
        return emit(FilterInstruction(operation: .isNull, field: index), onFalse, inside)
    }

    private mutating func compare(
        _ comparison: Expression.Comparison, _ left: Expression, _ right: Expression, _ column: Int, _ onTrue: Int32, _ onFalse: Int32
    ) throws(ExpressionError) -> Int32 {
        let kind = try check(left)
        try same(kind, check(right), right.column)
        if case .number = kind {} else if comparison != .equal, comparison != .notEqual {
            throw ExpressionError(
                "`\(comparison.rawValue)` compares numbers, and these are \(kind == .string ? "strings" : "bools")", column: column,
                remedy: "use == or !=\(kind == .string ? ", in (...) or starts_with(field, \"...\")" : ", or the field alone")")
        }
        switch (left.kind, right.kind) {
        case (.name(let name), .number), (.name(let name), .bool):
            return fused(comparison, try field(name, left.column), literal(right), scale(kind), onTrue, onFalse)
        case (.number, .name(let name)), (.bool, .name(let name)):
            return fused(comparison.mirrored, try field(name, right.column), literal(left), try scale(check(right)), onTrue, onFalse)
        case (.name(let name), .string(let text)), (.string(let text), .name(let name)):
            return emit(
                FilterInstruction(
                    operation: comparison == .equal ? .stringEqual : .stringNotEqual, field: Int32(try field(name, column)),
                    constant: add(text)), onTrue, onFalse)
        case (.string(let a), .string(let b)):
            return (a.utf8.elementsEqual(b.utf8)) == (comparison == .equal) ? onTrue : onFalse
        case (.name(let a), .name(let b)) where kind == .string:
            return emit(
                FilterInstruction(
                    operation: comparison == .equal ? .stringFieldsEqual : .stringFieldsNotEqual,
                    field: Int32(try field(a, left.column)), constant: Int64(try field(b, right.column))), onTrue, onFalse)
        default: break
        }
        let start = steps.count
        let leftScale = try number(left, depth: 1)
        let middle = steps.count
        let rightScale = try number(right, depth: 1)
        return emit(
            FilterInstruction(
                operation: .compare, comparison: comparison, leftScale: UInt8(leftScale), rightScale: UInt8(rightScale),
                field: Int32(middle - start), count: Int32(steps.count - middle), constant: Int64(start)), onTrue, onFalse)
    }

    /// A field against a literal: one comparison of words. A literal with more digits than the field's scale lies between two values of
    /// the field, which says how to round it.
    private mutating func fused(
        _ comparison: Expression.Comparison, _ field: Int, _ literal: Decimal128, _ scale: Int, _ onTrue: Int32, _ onFalse: Int32
    ) -> Int32 {
        func test(_ operation: FilterInstruction.Operation, _ constant: Int64) -> FilterInstruction {
            FilterInstruction(operation: operation, field: Int32(field), constant: constant)
        }
        let notNull = FilterInstruction(operation: .isNull, field: Int32(field))
        if comparison == .equal || comparison == .notEqual {
            guard let units = literal.exactly(scale: scale), let word = Int64(exactly: units) else {
                return comparison == .equal ? onFalse : emit(notNull, onFalse, onTrue)
            }
            return emit(test(comparison == .equal ? .equal : .notEqual, word), onTrue, onFalse)
        }
        let isLower = comparison == .less || comparison == .lessOrEqual
        // Out of range, or between: field <= floor is field < literal, and field > floor is field >= literal.
        let exact = literal.exactly(scale: scale)
        guard let floor = literal.floor(scale: scale), let word = Int64(exactly: floor) else {
            let isAbove = literal.units > 0
            return isLower == isAbove ? emit(notNull, onFalse, onTrue) : onFalse
        }
        guard exact != nil else { return emit(test(isLower ? .lessOrEqual : .greater, word), onTrue, onFalse) }
        let operation: FilterInstruction.Operation =
            switch comparison {
            case .less: .less
            case .lessOrEqual: .lessOrEqual
            case .greater: .greater
            default: .greaterOrEqual
            }
        return emit(test(operation, word), onTrue, onFalse)
    }

    // MARK: Numbers

    /// Steps that leave the value of `expression` on the stack, at `depth` counted from 1; its scale.
    private mutating func number(_ expression: Expression, depth: Int) throws(ExpressionError) -> Int {
        guard depth <= FilterStep.maxDepth else {
            throw ExpressionError("this sum is nested too deep", column: expression.column, remedy: "drop parentheses on its right side")
        }
        switch expression.kind {
        case .number(let value):
            steps.append(FilterStep(operation: .literal, literal: value.units))
            return value.scale
        case .bool(let value):
            steps.append(FilterStep(operation: .literal, literal: value ? 1 : 0))
            return 0
        case .name(let name):
            let index = try field(name, expression.column)
            steps.append(FilterStep(operation: .field, field: Int32(index)))
            return scale(kind(fields[index].type))
        case .negate(let inner):
            let scale = try number(inner, depth: depth)
            steps.append(FilterStep(operation: .scale, literal: -1))
            return scale
        case .arithmetic(let operation, let left, let right):
            guard operation != .divide else { throw division(expression.column) }
            if operation == .multiply {
                let scale = try number(left, depth: depth) + number(right, depth: depth + 1)
                guard scale <= Decimal128.maxDigits else {
                    throw ExpressionError(
                        "this product has \(scale) digits after the point", column: expression.column,
                        remedy: "stay within \(Decimal128.maxDigits): use shorter literals")
                }
                steps.append(FilterStep(operation: .multiply))
                return scale
            }
            let leftScale = try number(left, depth: depth)
            let rightScale = try scaleOnly(right)
            if leftScale < rightScale, let factor = Decimal128.power(rightScale - leftScale) {
                steps.append(FilterStep(operation: .scale, literal: factor))
            }
            _ = try number(right, depth: depth + 1)
            if rightScale < leftScale, let factor = Decimal128.power(leftScale - rightScale) {
                steps.append(FilterStep(operation: .scale, literal: factor))
            }
            steps.append(FilterStep(operation: operation == .add ? .add : .subtract))
            return Swift.max(leftScale, rightScale)
        default:
            // Bools that are neither fields nor literals; everything else was refused by `check`.
            throw ExpressionError(
                "a condition cannot be compared", column: expression.column, remedy: "combine conditions with `and`, `or` and `not`")
        }
    }

    private func scaleOnly(_ expression: Expression) throws(ExpressionError) -> Int { scale(try check(expression)) }

    private func literal(_ expression: Expression) -> Decimal128 {
        switch expression.kind {
        case .number(let value): value
        case .bool(let value): Decimal128(units: value ? 1 : 0, scale: 0)
        default: Decimal128(units: 0, scale: 0)
        }
    }

    // MARK: Names and types

    private func field(_ name: String, _ column: Int) throws(ExpressionError) -> Int {
        if let index = fields.firstIndex(where: { $0.name == name }) {
            if fields[index].type == .double {
                throw ExpressionError("`\(name)` is a double", column: column, remedy: "filter by strings, bools, int64s and decimals")
            }
            guard fields[index].type.dimension == nil else {
                throw ExpressionError("`\(name)` is a vector", column: column, remedy: "filter by strings, bools and numbers; vectors are for mean and last")
            }
            return index
        }
        throw ExpressionError(
            "there is no field `\(name)`", column: column,
            remedy: NearestName.remedy(name, in: fields.map(\.name), what: "field in this stream"))
    }

    private func kind(_ type: FieldType) -> Kind {
        switch type {
        case .string: .string
        case .bool: .bool
        case .int64: .number(scale: 0)
        case .decimal(let scale): .number(scale: scale)
        case .vector, .double, .doubles: .number(scale: 0)  // `field` refuses them before their kind matters.
        }
    }

    private func scale(_ kind: Kind) -> Int { if case .number(let scale) = kind { scale } else { 0 } }

    private func shown(_ kind: Kind) -> String {
        switch kind {
        case .number: "a number"
        case .string: "a string"
        case .bool: "a bool"
        }
    }

    private func shown(_ type: FieldType) -> String { shown(kind(type)) }

    private func same(_ left: Kind, _ right: Kind, _ column: Int) throws(ExpressionError) {
        switch (left, right) {
        case (.number, .number), (.string, .string), (.bool, .bool): return
        default:
            throw ExpressionError(
                "\(shown(left)) cannot be compared with \(shown(right))", column: column,
                remedy: left == .string ? "write the value in quotes" : right == .string ? "write the value without quotes"
                    : "compare values of one type")
        }
    }

    private func nullLiteral(_ column: Int) -> ExpressionError {
        ExpressionError("null cannot be compared", column: column, remedy: "write `field is null` or `field is not null`")
    }

    private func division(_ column: Int) -> ExpressionError {
        ExpressionError("filters do not divide", column: column, remedy: "multiply the other side instead: `a > 2 * b` for `a / b > 2`")
    }

    /// The type of an expression, after a check of all of it.
    private func check(_ expression: Expression) throws(ExpressionError) -> Kind {
        switch expression.kind {
        case .number(let value): return .number(scale: value.scale)
        case .string: return .string
        case .bool, .compare, .isIn, .isNull, .not, .and, .or: return .bool
        case .null: throw nullLiteral(expression.column)
        case .name(let name): return kind(fields[try field(name, expression.column)].type)
        case .negate(let inner): return try numeric(inner)
        case .arithmetic(let operation, let left, let right):
            guard operation != .divide else { throw division(expression.column) }
            guard case .number(let a) = try numeric(left), case .number(let b) = try numeric(right) else { return .bool }
            return .number(scale: operation == .multiply ? a + b : Swift.max(a, b))
        case .call(let name, let arguments):
            _ = try startsWith(name, arguments, expression.column)
            return .bool
        }
    }

    private func numeric(_ expression: Expression) throws(ExpressionError) -> Kind {
        let kind = try check(expression)
        guard case .number = kind else {
            throw ExpressionError(
                "arithmetic needs numbers, and this is \(shown(kind))", column: expression.column, remedy: "use int64 and decimal fields")
        }
        return kind
    }

    private func startsWith(
        _ name: String, _ arguments: [Expression], _ column: Int
    ) throws(ExpressionError) -> (field: Int32, prefix: String) {
        guard name == "starts_with" else {
            throw ExpressionError(
                "there is no function `\(name)` in filters", column: column,
                remedy: "filters have starts_with(field, \"prefix\"); the others are for derived features")
        }
        let usage = "write starts_with(field, \"prefix\")"
        guard arguments.count == 2 else {
            throw ExpressionError("starts_with takes 2 arguments, not \(arguments.count)", column: column, remedy: usage)
        }
        guard case .name(let fieldName) = arguments[0].kind, fields[try field(fieldName, arguments[0].column)].type == .string else {
            throw ExpressionError("the first argument of starts_with is a string field", column: arguments[0].column, remedy: usage)
        }
        guard case .string(let prefix) = arguments[1].kind else {
            throw ExpressionError("the second argument of starts_with is a string in quotes", column: arguments[1].column, remedy: usage)
        }
        return (Int32(try field(fieldName, arguments[0].column)), prefix)
    }

    private mutating func add(_ text: String) -> Int64 {
        strings.append(FilterString(offset: UInt32(bytes.count), length: UInt32(text.utf8.count)))
        bytes.append(contentsOf: text.utf8)
        return Int64(strings.count - 1)
    }
}
