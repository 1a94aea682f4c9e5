extension ReadPlan {
    /// What a service says of one value of the vector.
    struct Treatment: Sendable {
        let output: Int
        let defaultValue: Value?
        let clip: ValueClip?
    }

    static func treatments(_ served: [ServedFeature?]) -> [Treatment] {
        served.indices.compactMap { output in
            guard let said = served[output], said.defaultValue != nil || said.clip != nil else { return nil }
            return Treatment(output: output, defaultValue: said.defaultValue, clip: said.clip)
        }
    }

    /// Derived features are computed by then: they read the features' own values, which are the same in every service.
    func treat(_ values: inout [FeatureValue]) {
        for treatment in treatments { treatment.apply(to: &values[treatment.output]) }
    }
}

extension ReadPlan.Treatment {
    /// The service's default stands as it is written, also outside of the bounds: a mark that no value has.
    func apply(to value: inout FeatureValue) {
        if let defaultValue, value.status == .missing || value.status == .defaulted {
            value.value = defaultValue
            value.status = .defaulted
        } else if let clip {
            value.value = clip.clipped(value.value)
        }
    }
}
