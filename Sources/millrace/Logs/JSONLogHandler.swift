internal import FeatureStore
internal import Foundation
internal import JSONBytes
internal import Logging

/// One JSON object a line on standard error, written in one call, so that lines of different threads do not mix.
///
///     {"time":"2026-11-26T13:41:07.123456Z","level":"info","logger":"millrace","event":"shard_stopped","message":"…","shard":3}
///
/// `time`, `level`, `logger`, `event` and `message` are in every line; what an event has besides is in docs/LOGS.md. Numbers are numbers,
/// everything else is a string.
struct JSONLogHandler: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(
        level: Logger.Level, message: Logger.Message, metadata extra: Logger.Metadata?, source: String, file: String, function: String, line: UInt
    ) {
        let all = metadata.merging(extra ?? [:]) { _, new in new }
        var json = JSONWriter(reservingBytes: 512)
        json.beginObject()
        json.key("time")
        json.time(Store.now())
        json.member("level", level.rawValue)
        json.member("logger", label)
        json.member("event", all["event"].map { "\($0)" } ?? "message")
        json.member("message", "\(message)")
        for key in all.keys.sorted() where key != "event" {
            json.key(named: key)
            write(all[key]!, to: &json)
        }
        json.endObject()
        FileHandle.standardError.write(Data(json.bytes + [0x0a]))
    }

    private func write(_ value: Logger.Metadata.Value, to json: inout JSONWriter) {
        switch value {
        case .string(let text): json.string(text)
        case .stringConvertible(let value):
            switch value {
            case let number as Int: json.int(Int64(number))
            case let number as Int64: json.int(number)
            case let number as Double: json.double(number)
            case let flag as Bool: json.bool(flag)
            default: json.string("\(value)")
            }
        case .array(let values):
            json.beginArray()
            for value in values { write(value, to: &json) }
            json.endArray()
        case .dictionary(let entries):
            json.beginObject()
            for key in entries.keys.sorted() {
                json.key(named: key)
                write(entries[key]!, to: &json)
            }
            json.endObject()
        }
    }
}
