import FeatureStore
import Foundation
import Testing

/// Variables override deployment settings, and a wrong one is a fault that names it.
@Suite struct EnvironmentTests {
    static func load(_ environment: [String: String]) throws(DefinitionFaults) -> Definitions {
        try Definitions.load(yaml: FaultTests.good, file: "etc/shop.yaml", environment: environment)
    }

    @Test func overrides() throws {
        let definitions = try Self.load([
            "MILLRACE_KAFKA_BROKERS": "a:1,b:2", "MILLRACE_KAFKA_GROUP": "g", "MILLRACE_STORE_DIRECTORY": "elsewhere", "MILLRACE_STORE_DURABILITY": "replay",
            "MILLRACE_HTTP": "0.0.0.0:80", "MILLRACE_GRPC": "[::1]:0", "MILLRACE_READY_LAG": "5", "MILLRACE_CORE": "1", "MILLRACE_LOG_LEVEL": "debug", "PATH": "/bin",
        ])
        #expect(definitions.kafka.brokers == "a:1,b:2")
        #expect(definitions.kafka.group == "g")
        #expect(definitions.store.directory == "elsewhere")
        #expect(definitions.store.durability == .replay)
        #expect(definitions.server.httpHost == "0.0.0.0" && definitions.server.httpPort == 80)
        #expect(definitions.server.grpcHost == "::1" && definitions.server.grpcPort == 0)
        #expect(definitions.server.readyLagEvents == 5)
    }

    @Test func limitsOfLoad() throws {
        let server = try Self.load([
            "MILLRACE_MAX_REQUEST_SIZE": "64KiB", "MILLRACE_MAX_CONNECTIONS": "7", "MILLRACE_MAX_WAIT_MS": "3", "MILLRACE_CLIENT_TIMEOUT": "2s",
            "MILLRACE_BATCH_THREADS": "4", "MILLRACE_MAX_WAITING_BATCHES": "0",
        ]).server
        #expect(server.maxRequestBytes == 65_536 && server.maxConnections == 7 && server.maxWait == 3_000)
        #expect(server.clientTimeout == .seconds(2) && server.batchThreads == 4 && server.maxWaitingBatches == 0)
    }

    @Test(arguments: [("0", [0]), ("3,0-1, 3", [0, 1, 3]), ("0 - 2", [0, 1, 2])])
    func processors(_ text: String, _ numbers: [Int]) throws {
        #expect(try Self.load(["MILLRACE_PROCESSORS": text]).server.processors == numbers)
    }

    @Test(arguments: [
        ("MILLRACE_PROCESSORS", "0-", "processors cannot have `0-`", "ranges of them"), ("MILLRACE_PROCESSORS", "3-1", "cannot have `3-1`", "ranges of them"),
        ("MILLRACE_PROCESSORS", "1024", "cannot have `1024`", "numbers of processors"), ("MILLRACE_PROCESSORS", "0,,1", "cannot have ``", "numbers of processors"),
        ("MILLRACE_PROCESSORS", "1-2-3", "cannot have `1-2-3`", "ranges"), ("MILLRACE_PROCESSORS", "0 2", "cannot have `0 2`", "such as `0`, `0-3,8`"), ("MILLRACE_PROCESSORS", "all", "cannot have `all`", "ranges"),
        ("MILLRACE_KAFKA_BROKER", "x:1", "there is no variable", "did you mean `MILLRACE_KAFKA_BROKERS`?"), ("MILLRACE_HTTP", "nowhere", "must be an address", "host:port"),
        ("MILLRACE_STORE_DURABILITY", "comit", "durability cannot be", "did you mean `commit`?"), ("MILLRACE_READY_LAG", "-1", "outside", "whole number"),
        ("MILLRACE_READY_LAG", "many", "must be a whole number", "whole number"), ("MILLRACE_KAFKA_GROUP", "", "set but empty", "unset it"),
        ("MILLRACE_MAX_WAIT_MS", "0", "outside", "whole number"), ("MILLRACE_CLIENT_TIMEOUT", "500", "must be a duration", "a whole number and"),
    ])
    func names(_ variable: String, _ value: String, _ message: String, _ remedy: String) {
        let error = #expect(throws: DefinitionFaults.self) { try Self.load([variable: value]) }
        #expect(error?.faults.count == 1)
        #expect(error?.faults.first?.description.hasPrefix("\(variable): error: ") == true, "\(error?.description ?? "")")
        #expect(error?.faults.first?.message.contains(message) == true)
        #expect(error?.faults.first?.remedy.contains(remedy) == true)
    }

    @Test func secretsComeFromFiles() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("hunter2\n".utf8).write(to: directory.appendingPathComponent("secret"))
        let yaml = FaultTests.good.replacing("session.timeout.ms: 6000", with: "sasl.password: {file: secret}")
            .replacing("format: json", with: "format: {protobuf: {descriptor_set: shop.binpb, message: a.B, framing: confluent}}")
        let file = directory.appendingPathComponent("shop.yaml")
        try Data(yaml.utf8).write(to: file)
        let definitions = try Definitions.load(path: file.path)
        #expect(definitions.kafka.properties == ["sasl.password": "hunter2"])
        #expect(definitions.streams[0].format == .protobuf(.init(descriptorSet: directory.path + "/shop.binpb", message: "a.B", framing: .confluent)))
    }
}
