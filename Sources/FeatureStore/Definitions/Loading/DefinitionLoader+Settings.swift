internal import Foundation

/// `store:`, `kafka:` and `server:`.
extension DefinitionLoader {
    func readStore(_ node: YAMLNode?) -> StoreSettings {
        let section = settings(
            node, "store",
            keys: ["directory", "durability", "initial_map_size", "max_map_size", "max_batch_events", "max_batch_size", "max_waiting_size"])
        var store = StoreSettings()
        if let node = section["directory"], let directory = string(node, "directory") {
            // A variable's path is the shell's: relative to the current directory.
            store.directory = node.place.variable == nil ? resolve(directory) : directory
        } else {
            store.directory = resolve(store.directory)
        }
        if let node = section["durability"] { store.durability = choice(node, "durability", StoreSettings.Durability.self) ?? .commit }
        let largest = 1 << 46
        if let node = section["initial_map_size"] {
            store.initialMapBytes = size(node, "initial_map_size", in: (1 << 20)...largest) ?? store.initialMapBytes
        }
        if let node = section["max_map_size"] { store.maxMapBytes = size(node, "max_map_size", in: (1 << 20)...largest) ?? store.maxMapBytes }
        if store.maxMapBytes < store.initialMapBytes {
            fault(
                section["max_map_size"]?.place ?? section.place, "max_map_size is smaller than initial_map_size",
                "make max_map_size at least as large")
        }
        if let node = section["max_batch_events"] {
            store.maxBatchEvents = integer(node, "max_batch_events", in: 1...1_000_000) ?? store.maxBatchEvents
        }
        if let node = section["max_batch_size"] {
            store.maxBatchBytes = size(node, "max_batch_size", in: (1 << 16)...(1 << 30)) ?? store.maxBatchBytes
        }
        if let node = section["max_waiting_size"] {
            store.maxWaitingBytes = size(node, "max_waiting_size", in: (1 << 20)...(1 << 40)) ?? store.maxWaitingBytes
        }
        return store
    }

    func readServer(_ node: YAMLNode?) -> ServerSettings {
        let section = settings(node, "server", keys: [
            "http", "grpc", "ready_lag", "max_keys_per_request", "max_request_size", "max_held_size", "max_connections", "max_wait_ms", "client_timeout",
            "batch_threads", "max_waiting_batches", "realtime", "processors", "tls",
        ])
        var server = ServerSettings()
        if let node = section["http"], let address = address(node, "http") { (server.httpHost, server.httpPort) = address }
        if let node = section["grpc"], let address = address(node, "grpc") {
            (server.grpcHost, server.grpcPort) = address
        }
        if server.httpPort == server.grpcPort, server.httpHost == server.grpcHost, server.httpPort != 0 {
            fault(
                section["grpc"]?.place ?? section["http"]?.place ?? section.place, "http and grpc have the same address",
                "give each a port of its own")
        }
        if let node = section["ready_lag"] {
            server.readyLagEvents = integer(node, "ready_lag", in: 0...1_000_000_000_000).map(Int64.init) ?? server.readyLagEvents
        }
        if let node = section["max_keys_per_request"] {
            server.maxKeysPerRequest = integer(node, "max_keys_per_request", in: 1...100_000) ?? server.maxKeysPerRequest
        }
        if let node = section["realtime"] { server.isRealtime = bool(node, "realtime") ?? server.isRealtime }
        if let node = section["processors"] { server.processors = processors(node, "processors") }
        readLoadLimits(section, into: &server)
        if let node = section["tls"] { server.tls = readTLS(node) }
        return server
    }

    /// `0`, `0-3,8` or `[0, 1, 8]`, as taskset and systemd's `CPUAffinity=` number them. Ascending, each once.
    private func processors(_ node: YAMLNode, _ label: String) -> [Int] {
        let parts: [String]
        switch node.content {
        case .list(let nodes): parts = nodes.map { if case .scalar(let text, _) = $0.content { text } else { $0.shown } }
        case .scalar(let text, _): parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        case .mapping: parts = []
        }
        var found: Set<Int> = []
        for part in parts {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int(String($0.drop { $0 == " " }).trimmingSuffix { $0 == " " }) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, 0 <= first, first <= last, last < 1_024 else {
                fault(node.place, "\(label) cannot have `\(part)`", "write numbers of processors and ranges of them, such as `0`, `0-3,8` or `[0, 1]`")
                return []
            }
            found.formUnion(first...last)
        }
        if found.isEmpty { fault(node.place, "\(label) names none", "write numbers of processors, such as `0` or `[0, 1]`, or leave it out") }
        return found.sorted()
    }

    private func readLoadLimits(_ section: Section, into server: inout ServerSettings) {
        if let node = section["max_request_size"] {
            server.maxRequestBytes = size(node, "max_request_size", in: 1_024...(64 << 20)) ?? server.maxRequestBytes
        }
        if let node = section["max_held_size"] {
            server.maxHeldBytes = size(node, "max_held_size", in: (1 << 20)...(1 << 40)) ?? server.maxHeldBytes
        }
        if let node = section["max_connections"] {
            server.maxConnections = integer(node, "max_connections", in: 1...1_000_000) ?? server.maxConnections
        }
        if let node = section["max_wait_ms"] {
            server.maxWait = integer(node, "max_wait_ms", in: 1...60_000).map { Microseconds($0) * 1_000 } ?? server.maxWait
        }
        if let node = section["client_timeout"] {
            server.clientTimeout = duration(node, "client_timeout", in: .seconds(1)...(.seconds(3_600))) ?? server.clientTimeout
        }
        if let node = section["batch_threads"] {
            server.batchThreads = integer(node, "batch_threads", in: 1...256) ?? server.batchThreads
        }
        if let node = section["max_waiting_batches"] {
            server.maxWaitingBatches = integer(node, "max_waiting_batches", in: 0...100_000) ?? server.maxWaitingBatches
        }
    }

    // MARK: Kafka

    /// Properties that would break what ingest promises, and what sets them instead.
    private static let ownProperties: [String: String] = [
        "bootstrap.servers": "set `brokers:`", "metadata.broker.list": "set `brokers:`", "group.id": "set `group:`",
        "auto.offset.reset": "set `start:`", "enable.auto.commit": "remove it: positions are committed with the state",
        "enable.auto.offset.store": "remove it: positions are committed with the state",
    ]

    func readKafka(_ node: YAMLNode?) -> KafkaSettings {
        let section = settings(node, "kafka", keys: ["brokers", "group", "start", "assignment", "properties"])
        var kafka = KafkaSettings()
        if let node = section["brokers"] {
            if case .list(let nodes) = node.content {
                kafka.brokers = nodes.compactMap { string($0, "broker") }.joined(separator: ",")
                if nodes.isEmpty { fault(node.place, "brokers is empty", "write host:port, or [host:port, host:port]") }
            } else {
                kafka.brokers = string(node, "brokers") ?? kafka.brokers
            }
        }
        if let node = section["group"] { kafka.group = string(node, "group") ?? kafka.group }
        if let node = section["assignment"] {
            kafka.assignment = choice(node, "assignment", KafkaSettings.Assignment.self) ?? .group
        }
        if let node = section["start"] { kafka.start = choice(node, "start", KafkaSettings.Start.self) ?? .earliest }
        if let node = section["properties"], let entries = entries(node, "properties") {
            for entry in entries {
                if let remedy = Self.ownProperties[entry.key] {
                    fault(entry.keyPlace, "the property `\(entry.key)` is not yours to set", remedy)
                } else if let value = property(entry) {
                    kafka.properties[entry.key] = value
                }
            }
        }
        return kafka
    }

    /// The value itself, or `{file: path}` for a secret that should not stand in the definitions.
    private func property(_ entry: YAMLNode.Entry) -> String? {
        guard case .mapping = entry.value.content else {
            if case .scalar(let text, quoted: true) = entry.value.content { return located(entry, text) }
            return string(entry.value, entry.key).flatMap { located(entry, $0) }
        }
        guard let section = section(entry.value, "property `\(entry.key)`", keys: ["file"]),
            let node = required(section, "file", "write {file: path} or the value itself"), let path = string(node, "file")
        else { return nil }
        let resolved = resolve(path)
        guard let data = FileManager.default.contents(atPath: resolved), data.count <= 1 << 16, let text = String(data: data, encoding: .utf8) else {
            fault(node.place, "the file `\(resolved)` cannot be read", "put the value of `\(entry.key)` into it as UTF-8 text, readable to this user")
            return nil
        }
        // Editors and `echo` end a file with a newline that is no part of a secret.
        let value = String(text.trimmingSuffix { $0.isNewline })
        guard !value.isEmpty else {
            fault(node.place, "the file `\(resolved)` is empty", "put the value of `\(entry.key)` into it")
            return nil
        }
        return value
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var result = self[...]
        while let last = result.last, predicate(last) { result.removeLast() }
        return result
    }
}
