// swift-tools-version: 6.2
import PackageDescription
import class Foundation.ProcessInfo

// MILLRACE_CORE=1 leaves out everything that needs SwiftNIO (the HTTP and gRPC servers and the executable), so that the
// core builds and tests in seconds. `make` never sets it; developers do while they work below the transports.
let coreOnly = ProcessInfo.processInfo.environment["MILLRACE_CORE"] == "1"

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),                             // data races are compile errors
    .enableUpcomingFeature("InternalImportsByDefault"),  // an import is an implementation detail until it says `public`
    .enableUpcomingFeature("ExistentialAny"),            // dynamic dispatch is visible where it is paid
]

func library(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

var dependencies: [Package.Dependency] = [
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
]
var products: [Product] = [
    .library(name: "FeatureStore", targets: ["FeatureStore"]),
    .library(name: "Ingest", targets: ["Ingest"]),
    .library(name: "JSONBytes", targets: ["JSONBytes"]),
    .library(name: "Kafka", targets: ["Kafka"]),
    .library(name: "LMDB", targets: ["LMDB"]),
    .library(name: "Generator", targets: ["Generator"]),
    .library(name: "Monitoring", targets: ["Monitoring"]),
    .library(name: "Serving", targets: ["Serving"]),
]
var targets: [Target] = [
    // C libraries, each behind one Swift module.
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CAvro", pkgConfig: "avro-c", providers: [.apt(["libavro-dev"])]),
    library("LMDB", ["CLMDB"]),
    library("Kafka", ["CRdKafka"]),
    library("Compression", ["CZlib", "CZstd"]),
    library("Avro", ["CAvro"]),

    // The core: no network.
    library("JSONBytes"),
    .target(name: "CPrefetch"),
    .target(name: "CLinux"),
    library("FeatureStore", ["LMDB", "JSONBytes", "Compression", "CPrefetch", "CLinux", .product(name: "Yams", package: "Yams")]),
    library("Ingest", ["Kafka", "FeatureStore", "JSONBytes", "Compression", "Avro", .product(name: "SwiftProtobuf", package: "swift-protobuf")]),
    library("Export", ["FeatureStore", "Ingest", "JSONBytes"]),
    library("Monitoring", ["FeatureStore", "LMDB", "JSONBytes"]),
    library("Generator"),
    library("Serving", path: "Sources/Serving/Core", ["FeatureStore", "JSONBytes"]),

    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    library("TestSupport", path: "Tests/TestSupport", ["Serving", "FeatureStore"]),
    tests("LMDBTests", ["LMDB", "TestSupport"]),
    tests("KafkaTests", ["Kafka"]),
    tests("JSONBytesTests", ["JSONBytes", "TestSupport"]),
    tests("FeatureStoreTests", ["FeatureStore", "LMDB", "TestSupport"]),
    tests("IngestTests", ["AllocationCounter", "Ingest", "Kafka", "FeatureStore", "JSONBytes", "TestSupport"]),
    tests("ExportTests", ["Export", "FeatureStore", "JSONBytes", "TestSupport"]),
    tests("GeneratorTests", ["Generator"]),
    tests("MonitoringTests", ["Monitoring", "FeatureStore", "Generator", "Ingest", "JSONBytes", "TestSupport"]),
    tests("ServingTests", ["Serving", "FeatureStore", "JSONBytes", "TestSupport"]),
]

if !coreOnly {
    dependencies += [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.26.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.36.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ]
    products += [.executable(name: "millrace", targets: ["millrace"])]
    targets += [
        library("ServingTransport", path: "Sources/Serving/Transport", [
            "Serving", "FeatureStore", "CLinux",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "NIOTLS", package: "swift-nio"),
        ]),
        library("ServingJWT", path: "Sources/Serving/JWT", ["Serving", "FeatureStore", .product(name: "JWTKit", package: "jwt-kit")]),
        library("ServingHTTP", path: "Sources/Serving/HTTP", [
            "Serving", "ServingTransport", "JSONBytes", .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
        library("ServingGRPC", path: "Sources/Serving/GRPC", [
            "Serving", "ServingTransport", "JSONBytes",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOExtras", package: "swift-nio-extras"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
        .executableTarget(name: "millrace", dependencies: [
            "FeatureStore", "Ingest", "Export", "Monitoring", "JSONBytes", "Kafka", "Generator", "Serving", "ServingTransport", "ServingHTTP", "ServingGRPC",
            "ServingJWT",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ], swiftSettings: settings),
        tests("ServingTransportTests", [
            "ServingHTTP", "ServingGRPC", "ServingTransport", "ServingJWT", "Serving", "FeatureStore", "JSONBytes", "TestSupport",
            .product(name: "HummingbirdTesting", package: "hummingbird"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
            .product(name: "JWTKit", package: "jwt-kit"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    ]
}

let package = Package(
    name: "millrace", products: products, dependencies: dependencies, targets: targets)
