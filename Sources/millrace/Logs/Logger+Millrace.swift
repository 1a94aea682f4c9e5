internal import FeatureStore
internal import Logging

extension Logger {
    /// To standard error, in the form and from the level on that the settings say.
    static func millrace(_ label: String, _ settings: LogSettings, _ level: Logger.Level? = nil) -> Logger {
        var logger = Logger(label: label) { label -> any LogHandler in
            if settings.format == .json { return JSONLogHandler(label: label) }
            return TextLogHandler(label: label)
        }
        logger.logLevel = level ?? Logger.Level(rawValue: settings.level.rawValue) ?? .info
        return logger
    }

    /// An event with a stable name and stable keys, and a sentence for people.
    func event(_ name: String, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata = [:]) {
        log(level: level, "\(message)", metadata: metadata.merging(["event": .string(name)]) { given, _ in given })
    }
}

/// The sentence alone, as people read it: what the metadata has is in it already.
private struct TextLogHandler: LogHandler {
    private var inner: StreamLogHandler
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { inner.logLevel }
        set { inner.logLevel = newValue }
    }

    init(label: String) { inner = StreamLogHandler.standardError(label: label) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String, function: String, line: UInt
    ) {
        inner.log(level: level, message: message, metadata: nil, source: source, file: file, function: function, line: line)
    }
}
