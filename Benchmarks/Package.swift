// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that building or testing Millrace never builds benchmarks. Build it with MILLRACE_CORE=1: the
// benchmarks use the core only, and without the variable SwiftPM would fetch the servers' dependencies too.
let package = Package(
    name: "millrace-benchmarks",
    dependencies: [.package(name: "millrace", path: "..")],
    targets: [
        .executableTarget(
            name: "millrace-bench",
            dependencies: ["FeatureStore", "LMDB", "Kafka", "Ingest", "Monitoring", "Generator", "JSONBytes", "Serving"].map {
                .product(name: $0, package: "millrace")
            },
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("ExistentialAny"),
            ])
    ])
