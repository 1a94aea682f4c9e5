internal import Foundation

/// `access:`.
extension DefinitionLoader {
    func readAccess(_ node: YAMLNode?) -> AccessSettings? {
        guard let node else { return nil }
        guard let section = section(node, "access", keys: ["open", "principals", "jwt", "failures"]) else { return nil }
        var access = AccessSettings()
        if let open = section["open"] {
            access.isOpen = bool(open, "open") ?? false
            if access.isOpen, section.entries.count > 1 {
                fault(open.place, "access is open and has principals, too", "remove `open: true`, or everything beside it")
            }
        }
        if let node = section["jwt"] { access.jwt = readJWT(node) }
        if let node = section["principals"], let entries = entries(node, "principals") {
            for entry in entries { readPrincipal(entry).map { access.principals.append($0) } }
            checkCredentials(entries)
        }
        if let node = section["failures"] { access.failures = readFailures(node) }
        if !access.isOpen, access.principals.isEmpty, section["principals"] == nil, access.jwt?.permissionsClaim == nil {
            fault(section.place, "access lets nobody in", "add `principals:`, or `open: true` for everybody")
        }
        return access
    }

    private func readPrincipal(_ entry: YAMLNode.Entry) -> PrincipalDefinition? {
        let label = "principal `\(entry.key)`"
        guard entry.key.utf8.count <= 200, !entry.key.isEmpty, entry.key.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "\"" && $0 != "\\" }) else {
            fault(entry.keyPlace, "`\(entry.key)` is not a valid name of a principal", "use at most 200 printable ASCII characters without spaces")
            return nil
        }
        guard let section = section(
            entry.value, label, keys: ["tokens", "certificates", "services", "entities", "push", "erase", "metrics", "admin"])
        else { return nil }
        var principal = PrincipalDefinition(name: entry.key)
        if let node = section["tokens"], let list = list(node, "tokens of \(label)", remedy: "write [{sha256: ...}]; `millrace token` makes one") {
            principal.tokens = list.compactMap { readToken($0, label) }
        }
        if let node = section["certificates"],
            let list = list(node, "certificates of \(label)", remedy: "write [\"cn:homepage\"]")
        {
            for node in list {
                guard let text = string(node, "certificate") else { continue }
                if let name = CertificateName(text) {
                    principal.certificates.append(name)
                } else {
                    fault(
                        node.place, "`\(text)` does not name a certificate",
                        "write cn:NAME (of its subject), or dns:NAME, uri:NAME or email:NAME (of its alternative names)")
                }
            }
        }
        principal.grants = readGrants(section, label)
        return principal
    }

    private func readGrants(_ section: Section, _ label: String) -> Grants {
        var grants = Grants()
        if let node = section["services"] { grants.services = readNames(node, "feature services", services.map(\.name), label) }
        if let node = section["entities"] { grants.entities = readNames(node, "entities", entities.map(\.name), label) }
        if let node = section["push"] { grants.push = readNames(node, "pushed views", pushed.map(\.name), label) }
        if let node = section["erase"] { grants.erase = bool(node, "erase") ?? false }
        if let node = section["metrics"] { grants.metrics = bool(node, "metrics") ?? false }
        if let node = section["admin"] { grants.admin = bool(node, "admin") ?? false }
        return grants
    }

    /// `"*"`, or a list of names that there are.
    private func readNames(_ node: YAMLNode, _ what: String, _ known: [String], _ label: String) -> Grants.Names {
        if case .scalar("*", _) = node.content { return .all }
        guard let list = list(node, "\(what) of \(label)", remedy: "write a list of names, or \"*\" for all") else { return .only([]) }
        var names: Set<String> = []
        for node in list {
            guard let name = string(node, what) else { continue }
            if name == "*" { return .all }
            if !known.contains(name) {
                fault(node.place, "\(label) may use `\(name)`, which is none of the \(what)", NearestName.remedy(name, in: known, what: "name"))
            }
            names.insert(name)
        }
        return .only(names)
    }

    private func readToken(_ node: YAMLNode, _ label: String) -> TokenDefinition? {
        // It may be the token itself, so it is not shown.
        guard case .mapping = node.content else {
            fault(node.place, "a token of \(label) is not written as its hash", "write {sha256: ...}; `millrace token` prints a token and its hash")
            return nil
        }
        guard let section = section(node, "a token of \(label)", keys: ["sha256", "expires"]),
            let hashNode = required(section, "sha256", "add `sha256:`; `millrace token` prints a token and its hash"),
            let text = string(hashNode, "sha256")
        else { return nil }
        guard let bytes = [UInt8](hexadecimal: text), bytes.count == 32 else {
            fault(hashNode.place, "sha256 of \(label) is not a SHA-256 hash of 64 hexadecimal digits", "`millrace token --hash` makes the hash of a token")
            return nil
        }
        return TokenDefinition(sha256: bytes, expires: section["expires"].flatMap { readTime($0, "expires") })
    }

    /// RFC 3339, to µs since the epoch.
    private func readTime(_ node: YAMLNode, _ label: String) -> Int64? {
        guard case .scalar(let text, _) = node.content, let time = try? Date(text, strategy: .iso8601) else {
            fault(node.place, "\(label) must be a time, not \(node.shown)", "write one such as 2027-06-30T00:00:00Z")
            return nil
        }
        return Int64(time.timeIntervalSince1970) * 1_000_000
    }

    /// A credential that means two principals means neither.
    private func checkCredentials(_ entries: [YAMLNode.Entry]) {
        var seen: [String: String] = [:]
        for entry in entries {
            guard case .mapping(let members) = entry.value.content else { continue }
            for member in members where member.key == "tokens" || member.key == "certificates" {
                guard case .list(let nodes) = member.value.content else { continue }
                for node in nodes {
                    var text: String?
                    switch node.content {
                    case .scalar(let name, _): text = name
                    case .mapping(let parts): if case .scalar(let hash, _)? = parts.first(where: { $0.key == "sha256" })?.value.content { text = hash.lowercased() }
                    case .list: break
                    }
                    guard let text else { continue }
                    if let other = seen[text] {
                        let what = member.key == "tokens" ? "a token" : "the certificate `\(text)`"
                        fault(node.place, "principals `\(other)` and `\(entry.key)` have \(what) in common", "give each credential to one principal")
                    }
                    seen[text] = entry.key
                }
            }
        }
    }

    private func readJWT(_ node: YAMLNode) -> JWTSettings? {
        guard let section = section(
            node, "jwt", keys: ["keys", "issuer", "audience", "leeway", "principal_claim", "permissions_claim"]),
            let keys = required(section, "keys", "add `keys: jwks.json`, a JWK set with the public keys").flatMap({ string($0, "keys") }),
            let issuer = required(section, "issuer", "add `issuer:`, what `iss` of a token must be").flatMap({ string($0, "issuer") }),
            let audience = required(section, "audience", "add `audience:`, what `aud` of a token must have").flatMap({ string($0, "audience") })
        else { return nil }
        var jwt = JWTSettings(keys: resolve(keys), issuer: issuer, audience: audience)
        if let node = section["leeway"] { jwt.leeway = duration(node, "leeway", in: 0...(.minutes(10))) ?? jwt.leeway }
        if let node = section["principal_claim"] { jwt.principalClaim = string(node, "principal_claim") ?? jwt.principalClaim }
        if let node = section["permissions_claim"] { jwt.permissionsClaim = string(node, "permissions_claim") }
        if !FileManager.default.isReadableFile(atPath: jwt.keys) {
            fault(section["keys"]?.place ?? section.place, "the file `\(jwt.keys)` cannot be read", "put the issuer's JWK set there, readable to this user")
        }
        return jwt
    }

    private func readFailures(_ node: YAMLNode) -> FailureSettings {
        var failures = FailureSettings()
        guard let section = section(node, "failures", keys: ["limit", "window"]) else { return failures }
        if let node = section["limit"] { failures.limit = integer(node, "limit", in: 1...1_000_000) ?? failures.limit }
        if let node = section["window"] { failures.window = duration(node, "window", in: .seconds(1)...(.hours(24))) ?? failures.window }
        return failures
    }
}
