internal import FeatureStore

extension JSONInput {
    /// `{"basket_value": 59.90, "device": "mobile"}`, at most `limit` members.
    mutating func inputs(limit: Int) throws(LookupProblem) -> [String: GivenInput] {
        if !take("{") { throw problem("\"inputs\" is not an object") }
        var inputs: [String: GivenInput] = [:]
        if take("}") { return inputs }
        repeat {
            let name = try string("the name of an input")
            try expect(":", "a colon")
            if inputs.count == limit {
                throw LookupProblem(.badRequest, detail: "\"inputs\" has more than \(limit) members.", remedy: "Give those that the service has.")
            }
            guard inputs.updateValue(try input(name), forKey: name) == nil else { throw problem("the input \"\(name.prefix(64))\" is given twice") }
        } while take(",")
        try expect("}", "a comma or the object's end")
        return inputs
    }

    private mutating func input(_ name: String) throws(LookupProblem) -> GivenInput {
        if null() { return .null }
        if peek() == UInt8(ascii: "\"") { return .string(try string("an input")) }
        if let value = bool() { return .bool(value) }
        return .number(try number("the input \"\(name.prefix(64))\""))
    }
}
