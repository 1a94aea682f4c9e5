internal import Foundation

/// The properties of librdkafka that name files.
extension DefinitionLoader {
    private static let fileProperties: Set<String> = [
        "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.crl.location", "ssl.keystore.location", "sasl.kerberos.keytab",
    ]

    /// A value as librdkafka gets it: paths are relative to the definitions file, and must be there. What is wrong with one would otherwise show
    /// as a broker that does not answer.
    func located(_ entry: YAMLNode.Entry, _ text: String) -> String? {
        guard Self.fileProperties.contains(entry.key), !text.isEmpty else { return text }
        // librdkafka looks for the system's own.
        if entry.key == "ssl.ca.location", text == "probe" { return text }
        let path = resolve(text)
        guard FileManager.default.isReadableFile(atPath: path) else {
            fault(entry.value.place, "the file `\(path)` cannot be read", "check `\(entry.key)`: a path relative to the definitions file, readable to this user")
            return nil
        }
        return path
    }
}
