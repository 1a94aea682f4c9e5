internal import FeatureStore

/// Filters and derived features: any text gives a program or an error with a place in it, and a program may be run.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self)
    let length = text.unicodeScalars.count
    do {
        _ = try Filter.compile(text, fields: fields)
    } catch {
        guard 1...(length + 1) ~= error.column else { fatalError("column \(error.column) of \(length)") }
    }
    do {
        let derivation = try Derivation.compile(text, inputs: { types[$0] })
        _ = derivation.evaluate { values[derivation.inputNames[$0]] ?? .null }
    } catch {
        guard 1...(length + 1) ~= error.column else { fatalError("column \(error.column) of \(length)") }
    }
    return 0
}

private let fields: [FieldDefinition] = [
    FieldDefinition(name: "n", type: .int64), FieldDefinition(name: "page", type: .string), FieldDefinition(name: "member", type: .bool),
    FieldDefinition(name: "price", type: .decimal(scale: 2)),
]
private let types: [String: ValueType] = [
    "n": .int, "page": .string, "price": .decimal(scale: 2), "member": .bool, "counts": .map(.int), "list": .list(.string),
]
private let values: [String: Value] = [
    "n": .int(.max), "page": .string("a"), "price": .decimal(units: .max, scale: 2), "member": .bool(true),
    "counts": .map([.init(key: "a", value: .int(2))]), "list": .list([]),
]
