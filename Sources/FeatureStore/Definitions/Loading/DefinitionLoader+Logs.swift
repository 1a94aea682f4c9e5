/// `logs:`.
extension DefinitionLoader {
    func readLogs(_ node: YAMLNode?) -> LogSettings {
        let section = settings(node, "logs", keys: ["format", "level"])
        var logs = LogSettings()
        if let node = section["format"] { logs.format = choice(node, "format", LogSettings.Format.self) ?? .text }
        if let node = section["level"] { logs.level = choice(node, "level", LogSettings.Level.self) ?? .info }
        return logs
    }
}
