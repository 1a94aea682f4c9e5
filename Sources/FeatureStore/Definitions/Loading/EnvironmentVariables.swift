/// The deployment settings that the environment may override: one table.
package enum EnvironmentVariables {
    package static let settings: [(variable: String, section: String, key: String)] = [
        ("MILLRACE_KAFKA_BROKERS", "kafka", "brokers"),
        ("MILLRACE_KAFKA_GROUP", "kafka", "group"),
        ("MILLRACE_KAFKA_ASSIGNMENT", "kafka", "assignment"),
        ("MILLRACE_STORE_DIRECTORY", "store", "directory"),
        ("MILLRACE_STORE_DURABILITY", "store", "durability"),
        ("MILLRACE_SNAPSHOTS_DIRECTORY", "snapshots", "directory"),
        ("MILLRACE_HTTP", "server", "http"),
        ("MILLRACE_GRPC", "server", "grpc"),
        ("MILLRACE_READY_LAG", "server", "ready_lag"),
        ("MILLRACE_MAX_REQUEST_SIZE", "server", "max_request_size"),
        ("MILLRACE_MAX_HELD_SIZE", "server", "max_held_size"),
        ("MILLRACE_MAX_CONNECTIONS", "server", "max_connections"),
        ("MILLRACE_MAX_WAIT_MS", "server", "max_wait_ms"),
        ("MILLRACE_CLIENT_TIMEOUT", "server", "client_timeout"),
        ("MILLRACE_BATCH_THREADS", "server", "batch_threads"),
        ("MILLRACE_MAX_WAITING_BATCHES", "server", "max_waiting_batches"),
        ("MILLRACE_REALTIME", "server", "realtime"),
        ("MILLRACE_PROCESSORS", "server", "processors"),
        ("MILLRACE_MONITORING_WEBHOOK", "monitoring", "webhook"),
        ("MILLRACE_LOG_FORMAT", "logs", "format"),
        ("MILLRACE_LOG_LEVEL", "logs", "level"),
    ]
    /// Ours too, but not settings of the definitions.
    package static let others: Set<String> = ["MILLRACE_CORE"]
}

extension DefinitionLoader {
    /// A section of settings with the environment's values in place of the file's.
    func settings(_ node: YAMLNode?, _ label: String, keys: [String]) -> Section {
        let place = SourcePlace(line: 1, column: 1)
        var result = node.flatMap { section($0, label, keys: keys) } ?? Section(label: label, place: place, entries: [:])
        for (variable, section, key) in EnvironmentVariables.settings where section == label {
            guard let value = environment[variable] else { continue }
            let place = SourcePlace(line: 0, column: 0, variable: variable)
            guard !value.isEmpty else {
                fault(place, "the variable \(variable) is set but empty", "unset it, or give it a value for `\(label).\(key)`")
                continue
            }
            result.entries[key] = YAMLNode(place: place, content: .scalar(value, quoted: false))
        }
        return result
    }

    /// A misspelt variable would otherwise silently change nothing.
    func checkVariables() {
        let known = EnvironmentVariables.settings.map(\.variable)
        for variable in environment.keys.sorted() where variable.hasPrefix("MILLRACE_") {
            guard !known.contains(variable), !EnvironmentVariables.others.contains(variable) else { continue }
            fault(
                SourcePlace(line: 0, column: 0, variable: variable), "there is no variable \(variable)",
                NearestName.remedy(variable, in: known, what: "variable") + "; unset what is not meant")
        }
    }
}
