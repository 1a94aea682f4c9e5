internal import Glibc

/// A view's `where`, compiled: decides for each event whether the view takes it.
///
///     let filter = try Filter.compile("category == \"shoes\" and price > 50", fields: stream.fields)
///     filter.matches(fields)   // at the event's first field, after its keys
///
/// Ingest asks once per event and view, so the program is flat and trivial: each instruction tests one thing and names the next for
/// true and for false, always an earlier one in the array, so that every run ends. String constants lie in one buffer. Nothing is
/// allocated and nothing is reference-counted per event.
///
/// A comparison with a null field is false (so is `not in`); `not` turns that around. Decimals compare exactly, with literals of any
/// scale. Sums that do not fit in 128 bits are null.
public final class Filter: @unchecked Sendable {
    // Unchecked: the memory is written before `init` returns and never again.
    let instructions: UnsafeMutablePointer<FilterInstruction>
    let steps: UnsafeMutablePointer<FilterStep>
    let strings: UnsafeMutablePointer<FilterString>
    let integers: UnsafeMutablePointer<Int64>
    let bytes: UnsafeMutablePointer<UInt8>
    let entry: Int32

    /// Checks names and types and translates. Throws the first error, with its column.
    public static func compile(_ text: String, fields: [FieldDefinition]) throws(ExpressionError) -> Filter {
        var compiler = FilterCompiler(fields: fields)
        let entry = try compiler.compile(try ExpressionParser.parse(text))
        return Filter(compiler, entry: entry)
    }

    private init(_ program: FilterCompiler, entry: Int32) {
        func copy<Element>(_ array: [Element]) -> UnsafeMutablePointer<Element> {
            let memory = UnsafeMutablePointer<Element>.allocate(capacity: Swift.max(1, array.count))
            memory.initialize(from: array, count: array.count)
            return memory
        }
        instructions = copy(program.instructions)
        steps = copy(program.steps)
        strings = copy(program.strings)
        integers = copy(program.integers)
        bytes = copy(program.bytes)
        self.entry = entry
    }

    deinit {
        instructions.deallocate()
        steps.deallocate()
        strings.deallocate()
        integers.deallocate()
        bytes.deallocate()
    }

    /// Whether the event passes. `fields` points at its first field (the keys are skipped), in the order of the stream's definition.
    /// Some ns per test.
    public func matches(_ fields: UnsafePointer<FieldValue>) -> Bool {
        var at = entry
        while at >= 0 {
            let test = instructions[Int(at)]
            at = holds(test, fields) ? test.onTrue : test.onFalse
        }
        return at == FilterInstruction.accept
    }

    /// The events that pass, in their order.
    func select(_ events: UnsafeBufferPointer<Addition>, into passing: inout Additions) {
        passing.removeAll()
        for event in events where matches(event.fields) { passing.append(event) }
    }

    @inline(__always)
    private func holds(_ test: FilterInstruction, _ fields: UnsafePointer<FieldValue>) -> Bool {
        // These two name no field of their own.
        if test.operation == .compare { return compare(test, fields) }
        if test.operation == .isUnknown { return value(Int(test.constant), Int(test.count), fields) == nil }
        let field = fields[Int(test.field)]
        switch test.operation {
        case .equal: return field.kind == .integer && field.word == test.constant
        case .notEqual: return field.kind == .integer && field.word != test.constant
        case .less: return field.kind == .integer && field.word < test.constant
        case .lessOrEqual: return field.kind == .integer && field.word <= test.constant
        case .greater: return field.kind == .integer && field.word > test.constant
        case .greaterOrEqual: return field.kind == .integer && field.word >= test.constant
        case .inIntegers:
            guard field.kind == .integer else { return false }
            for i in Int(test.constant)..<Int(test.constant) + Int(test.count) where integers[i] == field.word { return true }
            return false
        case .isNull: return field.kind == .null
        case .stringEqual: return field.kind == .string && isEqual(field, strings[Int(test.constant)])
        case .stringNotEqual: return field.kind == .string && !isEqual(field, strings[Int(test.constant)])
        case .inStrings:
            guard field.kind == .string else { return false }
            for i in Int(test.constant)..<Int(test.constant) + Int(test.count) where isEqual(field, strings[i]) { return true }
            return false
        case .startsWith:
            let prefix = strings[Int(test.constant)]
            guard field.kind == .string, field.length >= prefix.length else { return false }
            return isSame(field, bytes + Int(prefix.offset), Int(prefix.length))
        case .stringFieldsEqual, .stringFieldsNotEqual:
            let other = fields[Int(test.constant)]
            guard field.kind == .string, other.kind == .string else { return false }
            let equal = field.length == other.length
                && (field.length == 0 || memcmp(field.bytes.baseAddress!, other.bytes.baseAddress!, Int(field.length)) == 0)
            return equal == (test.operation == .stringFieldsEqual)
        case .compare, .isUnknown: return false
        }
    }

    @inline(__always)
    private func isEqual(_ field: FieldValue, _ constant: FilterString) -> Bool {
        field.length == constant.length && isSame(field, bytes + Int(constant.offset), Int(constant.length))
    }

    @inline(__always)
    private func isSame(_ field: FieldValue, _ constant: UnsafeMutablePointer<UInt8>, _ count: Int) -> Bool {
        // An empty string may have no address.
        guard count > 0, let start = UnsafeRawPointer(bitPattern: Int(field.word)) else { return count == 0 }
        return isSame(start, constant, count)
    }

    /// Short strings, as most constants are, without a call: two loads that overlap cover 2 to 16 bytes.
    @inline(__always)
    private func isSame(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
        func same<Word: FixedWidthInteger & BitwiseCopyable>(_: Word.Type) -> Bool {
            let last = count - MemoryLayout<Word>.size
            return a.loadUnaligned(as: Word.self) == b.loadUnaligned(as: Word.self)
                && a.loadUnaligned(fromByteOffset: last, as: Word.self) == b.loadUnaligned(fromByteOffset: last, as: Word.self)
        }
        return switch count {
        case 1: same(UInt8.self)
        case 2...3: same(UInt16.self)
        case 4...7: same(UInt32.self)
        case 8...16: same(UInt64.self)
        default: memcmp(a, b, count) == 0
        }
    }

    @inline(never)
    private func compare(_ test: FilterInstruction, _ fields: UnsafePointer<FieldValue>) -> Bool {
        let start = Int(test.constant), middle = start + Int(test.field), count = Int(test.count)
        guard let left = value(start, middle - start, fields), let right = value(middle, count, fields) else { return false }
        let order = Decimal128.order(
            Decimal128(units: left, scale: Int(test.leftScale)), Decimal128(units: right, scale: Int(test.rightScale)))
        return test.comparison.holds(order)
    }

    /// Runs `count` steps from `start` on a stack of fixed depth; nil when a field is null or a result does not fit.
    private func value(_ start: Int, _ count: Int, _ fields: UnsafePointer<FieldValue>) -> Int128? {
        var stack = InlineArray<16, Int128>(repeating: 0)
        var depth = 0
        for i in start..<start + count {
            let step = steps[i]
            switch step.operation {
            case .field:
                let field = fields[Int(step.field)]
                guard field.kind == .integer else { return nil }
                stack[depth] = Int128(field.word)
                depth += 1
            case .literal:
                stack[depth] = step.literal
                depth += 1
            case .scale:
                let (result, overflow) = stack[depth - 1].multipliedReportingOverflow(by: step.literal)
                if overflow { return nil }
                stack[depth - 1] = result
            case .add, .subtract, .multiply:
                depth -= 1
                let left = stack[depth - 1], right = stack[depth]
                let (result, overflow) =
                    switch step.operation {
                    case .add: left.addingReportingOverflow(right)
                    case .subtract: left.subtractingReportingOverflow(right)
                    default: left.multipliedReportingOverflow(by: right)
                    }
                if overflow { return nil }
                stack[depth - 1] = result
            }
        }
        return stack[0]
    }
}
