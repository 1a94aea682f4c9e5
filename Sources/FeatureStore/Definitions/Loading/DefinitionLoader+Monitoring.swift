internal import Foundation

/// `monitoring:`.
extension DefinitionLoader {
    func readMonitoring(_ node: YAMLNode?) -> MonitoringSettings? {
        let keys = [
            "enabled", "services", "max_per_second", "min_observations", "retention", "warm_up", "thresholds", "webhook", "webhook_token",
        ]
        let section = settings(node, "monitoring", keys: keys)
        guard node != nil else { return nil }
        var monitoring = MonitoringSettings()
        if let node = section["services"], let nodes = list(node, "services", remedy: "write [homepage, churn], the services to watch") {
            for node in nodes {
                guard let name = string(node, "service") else { continue }
                if services.contains(where: { $0.name == name }) {
                    monitoring.services.append(name)
                } else {
                    fault(node.place, "there is no service `\(name)`", NearestName.remedy(name, in: services.map(\.name), what: "service"))
                }
            }
        }
        if let node = section["max_per_second"] { monitoring.maxPerSecond = integer(node, "max_per_second", in: 1...100_000) ?? monitoring.maxPerSecond }
        if let node = section["min_observations"] {
            monitoring.minObservations = integer(node, "min_observations", in: 30...1_000_000) ?? monitoring.minObservations
        }
        if let node = section["retention"] { monitoring.retention = duration(node, "retention", in: .days(1)...(.days(400))) ?? monitoring.retention }
        if let node = section["warm_up"] { monitoring.warmUp = duration(node, "warm_up", in: 0...(.days(400))) }
        if let node = section["thresholds"] { readThresholds(node, into: &monitoring.thresholds) }
        monitoring.webhook = section["webhook"].flatMap(readWebhook)
        monitoring.webhookToken = section["webhook_token"].flatMap { secret($0, "webhook_token") }
        if let node = section["enabled"], bool(node, "enabled") == false { return nil }
        return monitoring
    }

    private func readThresholds(_ node: YAMLNode, into thresholds: inout DriftThresholds) {
        guard let section = section(node, "thresholds", keys: ["psi", "mean_shift", "null_rate", "range", "stuck"]) else { return }
        if let node = section["psi"] { thresholds.psi = threshold(node, "psi", upTo: 100) ?? thresholds.psi }
        if let node = section["mean_shift"] { thresholds.meanShift = threshold(node, "mean_shift", upTo: 1000) ?? thresholds.meanShift }
        if let node = section["null_rate"] { thresholds.nullRate = threshold(node, "null_rate", upTo: 1) ?? thresholds.nullRate }
        if let node = section["range"] { thresholds.range = threshold(node, "range", upTo: 1) ?? thresholds.range }
        if let node = section["stuck"] { thresholds.stuck = threshold(node, "stuck", upTo: 1) ?? thresholds.stuck }
    }

    private func threshold(_ node: YAMLNode, _ label: String, upTo limit: Double) -> Double? {
        if case .scalar(let text, quoted: false) = node.content, let value = Double(text), value > 0, value <= limit { return value }
        fault(node.place, "\(label) must be a number, not \(node.shown)", "write a number above 0 and up to \(Int(limit))")
        return nil
    }

    private func readWebhook(_ node: YAMLNode) -> String? {
        guard let text = secret(node, "webhook") else { return nil }
        guard let url = URL(string: text), url.scheme == "http" || url.scheme == "https", url.host?.isEmpty == false else {
            // It may hold a secret: not shown.
            fault(node.place, "webhook is not a URL of http or https", "write `webhook: https://host/path`")
            return nil
        }
        return text
    }

    /// The text itself, or `{file: path}` for a secret that should not stand in the definitions.
    func secret(_ node: YAMLNode, _ label: String) -> String? {
        guard case .mapping = node.content else { return string(node, label) }
        guard let section = section(node, label, keys: ["file"]), let pathNode = required(section, "file", "write {file: path} or the value itself"),
            let path = string(pathNode, "file")
        else { return nil }
        let resolved = resolve(path)
        guard let data = FileManager.default.contents(atPath: resolved), data.count <= 1 << 16, let text = String(data: data, encoding: .utf8),
            !text.allSatisfy(\.isWhitespace)
        else {
            fault(pathNode.place, "the file `\(resolved)` cannot be read, or is empty", "put the value of `\(label)` into it as UTF-8 text, readable to this user")
            return nil
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
