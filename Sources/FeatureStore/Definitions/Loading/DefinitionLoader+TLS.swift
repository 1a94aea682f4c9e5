internal import Foundation

/// `server.tls`, and whether the addresses that the server listens on are guarded.
extension DefinitionLoader {
    func readTLS(_ node: YAMLNode) -> TLSSettings? {
        guard let section = section(node, "tls", keys: ["certificate", "key", "client_ca", "client_certificates"]) else { return nil }
        let certificate = required(section, "certificate", "add `certificate: server.pem`").flatMap { file($0, "certificate") }
        let key = required(section, "key", "add `key: server.key`").flatMap { file($0, "key") }
        guard let certificate, let key else { return nil }
        var tls = TLSSettings(certificate: certificate, key: key)
        tls.clientCA = section["client_ca"].flatMap { file($0, "client_ca") }
        if let node = section["client_certificates"] {
            tls.clientCertificates = choice(node, "client_certificates", TLSSettings.ClientCertificates.self) ?? .none
            if tls.clientCertificates != .none, section["client_ca"] == nil {
                fault(node.place, "client certificates are wanted, and there is no `client_ca`", "add `client_ca: clients.pem`, the authorities that sign them")
            }
        } else if tls.clientCA != nil {
            tls.clientCertificates = .request
        }
        return tls
    }

    /// A file that must be there, relative to the definitions file.
    func file(_ node: YAMLNode, _ label: String) -> String? {
        guard let path = string(node, label) else { return nil }
        let resolved = node.place.variable == nil ? resolve(path) : path
        guard FileManager.default.isReadableFile(atPath: resolved) else {
            fault(node.place, "the file `\(resolved)` cannot be read", "check `\(label)` and the file's permissions")
            return nil
        }
        return resolved
    }

    /// Why these settings must not be served with: an address that others can reach, and nothing that says who may ask.
    func exposure(_ server: ServerSettings, _ access: AccessSettings?, _ node: YAMLNode?) -> [DefinitionFault] {
        guard access == nil else { return [] }
        var places: [String: SourcePlace] = [:]
        if case .mapping(let entries)? = node?.content { for entry in entries { places[entry.key] = entry.value.place } }
        for (variable, section, key) in EnvironmentVariables.settings where section == "server" && environment[variable] != nil {
            places[key] = SourcePlace(line: 0, column: 0, variable: variable)
        }
        return [("http", server.httpHost, server.httpPort), ("grpc", server.grpcHost, server.grpcPort)].compactMap { key, host, port in
            if ServerSettings.isLoopback(host) { return nil }
            let place = places[key] ?? SourcePlace(line: 1, column: 1)
            return DefinitionFault(
                file: place.variable ?? file, line: place.line, column: place.column,
                message: "the server listens on \(host):\(port) for \(key), and nothing says who may ask it",
                remedy: "add `access:` with principals (docs/SECURITY.md), or listen on 127.0.0.1; `access: {open: true}` lets everybody in")
        }
    }
}

extension ServerSettings {
    /// Whether only this machine reaches the address.
    public static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
