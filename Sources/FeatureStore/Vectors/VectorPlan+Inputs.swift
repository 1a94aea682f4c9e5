extension VectorPlan {
    /// Those that its features use, in the order of the definitions.
    public var inputs: [InputDefinition] { inputDefinitions.indices.filter(uses).map { inputDefinitions[$0] } }

    /// The levels that it falls back to, and their keys, may use some, too.
    private func uses(_ input: Int) -> Bool {
        if read.inputs.contains(where: { $0.input == input }) { return true }
        guard let fallback else { return false }
        return fallback.keys?.uses(input) ?? false || fallback.levels.contains { $0.plan.uses(input) }
    }

    /// This plan with what the request gave another one.
    public func given(as other: VectorPlan) -> VectorPlan {
        other.inputValues.isEmpty || read.inputs.isEmpty ? self : VectorPlan(self, inputValues: other.inputValues)
    }

    /// Whether the values do not depend on what comes with the request.
    public var takesNothing: Bool { read.inputs.isEmpty }

    /// The plan of one request: the same vector, with these values for its inputs. What is not given is the input's default, or missing.
    public func given(_ inputs: [String: GivenInput]) throws(LookupError) -> VectorPlan {
        if inputs.isEmpty { return self }
        var values = [Value](repeating: .null, count: inputDefinitions.count)
        for name in inputs.keys.sorted() {
            guard let index = inputDefinitions.firstIndex(where: { $0.name == name }), uses(index) else {
                throw .unknownInput(name, service: service, known: self.inputs.map(\.name))
            }
            guard let given = inputs[name], let value = inputDefinitions[index].value(of: given) else {
                throw .badInput(name, inputDefinitions[index].type)
            }
            values[index] = value
        }
        return VectorPlan(self, inputValues: values)
    }
}
