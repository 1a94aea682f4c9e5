internal import ArgumentParser
internal import FeatureStore
internal import Ingest
internal import Kafka
internal import Logging
internal import NIOPosix
internal import ServiceLifecycle
internal import Serving
internal import ServingGRPC
internal import ServingHTTP
internal import ServingTransport

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads the topics into the store and answers lookups, until it is told to stop.",
        discussion: """
            SIGTERM and SIGINT stop it cleanly: requests that have begun are answered, batches at work are committed, shards are closed. \
            A second signal ends it at once; nothing is lost then either.

            While no broker answers, the shards that lie on the disk are served as they are (state `disconnected`, values `stale` by \
            max_staleness, not ready), and reading begins when one does. A missing topic, unequal partitions or a property that librdkafka \
            does not know end it with code 1.

            Addresses, brokers and the store's directory may be set by the environment: MILLRACE_HTTP, MILLRACE_GRPC, \
            MILLRACE_KAFKA_BROKERS, MILLRACE_KAFKA_GROUP, MILLRACE_KAFKA_ASSIGNMENT, MILLRACE_STORE_DIRECTORY, \
            MILLRACE_STORE_DURABILITY, MILLRACE_READY_LAG, and the limits of load as in docs/DEFINITIONS.md. MILLRACE_LOG_LEVEL is debug, info (default), notice, warning or error; MILLRACE_LOG_FORMAT is text (default) or json.
            """)

    @OptionGroup var options: DefinitionsOptions

    @Option(help: ArgumentHelp(
        "Create missing topics, dead-letter topics included, with this many partitions. For trying things out.",
        valueName: "partitions"))
    var createTopics: Int?

    @Option(help: ArgumentHelp("Print a status line every so many seconds; 0: never.", valueName: "seconds"))
    var status = 0

    func validate() throws {
        if let createTopics, !(1...10_000).contains(createTopics) {
            throw ValidationError("--create-topics is a number of partitions from 1 to 10000")
        }
        if !(0...3600).contains(status) { throw ValidationError("--status is a number of seconds from 0 to 3600") }
    }

    func run() async throws {
        let definitions = try options.loadForServing()
        let descriptorSets = try options.descriptorSets(definitions)
        let logger = Logger.millrace("millrace", definitions.logs)
        LoopThreads.separateHeaps()
        DescriptorLimit.raise()
        let processors = definitions.server.processors
        // Before anything starts a thread that shall keep off them.
        if !processors.isEmpty {
            do { try LoopThreads.reserve(processors) } catch {
                logger.error("\(error)")
                throw Exit.failed
            }
        }
        let guards: Guards
        do { guards = try await Guards(definitions, logger: logger) } catch {
            logger.error("\(error)")
            throw Exit.failed
        }
        let store = Store(definitions)
        let watch = Watching(store, logger)
        let ingest = IngestService(store: store, descriptorSets: descriptorSets, sampler: watch.features?.sampler, inputs: watch.inputs) {
            NoticeLog(logger: logger).log($0)
        }
        let pushes = definitions.pushed.isEmpty ? nil : try PushProducer(definitions)
        let served = definitions.services.contains { $0.log != nil } ? try ServedProducer(definitions.kafka) : nil
        let erasures = try definitions.privacy.erasures.map { try EraseProducer(definitions.kafka, topic: $0.topic) }
        let lookups = LookupService(
            source: LookupSource(store: store), sink: pushes.map { PushSink($0, store) }, served: served.map { ServedSink(take: $0.take) },
            eraser: erasures.map { EraseSink($0, store, topic: definitions.privacy.erasures?.topic ?? "") }, watch: watch.source)
        let transport = Transport(service: lookups, access: guards.access, audit: guards.audit, tls: guards.tls)
        let snapshots = definitions.snapshots.map { SnapshotSchedule($0, store: definitions.store.directory, logger: logger) }
        let process = ProcessMetricFamilies(), disk = DiskMetricFamilies(storeDirectory: definitions.store.directory)
        let metricSources = [
            { @Sendable in IngestMetricFamilies(store: store, ingest: ingest, served: served).families() },
            { @Sendable in SnapshotMetricFamilies(schedule: snapshots).families() },
            { @Sendable in watch.families() + process.families() + disk.families() },
        ]
        let companions: [(any IngestCompanion)?] = [pushes, served, erasures, watch]
        // Either port answers whatever comes over HTTP/2.
        let http2 = GRPCResponder(transport: transport, others: JSONResponder(transport: transport, metricSources: metricSources))
        let http = HTTPServer(
            transport: transport, http2: http2, host: definitions.server.httpHost, port: definitions.server.httpPort,
            metricSources: metricSources, logger: logger
        ) { port in logger.notice("HTTP on \(definitions.server.httpHost):\(port)") }
        let grpc = GRPCServer(
            transport: transport, responder: http2, host: definitions.server.grpcHost, port: definitions.server.grpcPort
        ) { port in logger.notice("gRPC on \(definitions.server.grpcHost):\(port)") }
        var services: [any Service] = [
            guards,
            IngestLifecycle(
                ingest: ingest, store: store, companions: companions.compactMap { $0 }, topicPartitions: createTopics, logger: logger),
            http, grpc,
        ]
        if let snapshots { services.append(snapshots) }
        // Both ports take their loops from there.
        let loops = MultiThreadedEventLoopGroup.singleton
        if !processors.isEmpty {
            do { try await LoopThreads.place(loops, on: processors) } catch {
                logger.error("\(error)")
                throw Exit.failed
            }
        }
        if definitions.server.isRealtime {
            do { try await LoopThreads.raise(loops) } catch { logger.warning("\(error)") }
        }
        if status > 0 { services.append(StatusLine(store: store, ingest: ingest, everySeconds: status)) }
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger.millrace("lifecycle", definitions.logs, .error))
        do {
            try await group.run()
        } catch {
            logger.error("\(error)")
            throw Exit.failed
        }
    }
}

/// What begins before ingest and ends after it.
protocol IngestCompanion: Sendable {
    func start()
    /// Blocks until what it still has is sent or written.
    func stop()
}

extension PushProducer: IngestCompanion {}
extension ServedProducer: IngestCompanion {}
extension EraseProducer: IngestCompanion {}
extension Watching: IngestCompanion {}

/// Ingest as a service: starts with the group, and stops after the servers have drained.
struct IngestLifecycle: Service {
    let ingest: IngestService
    let store: Store
    let companions: [any IngestCompanion]
    /// Make missing topics with so many partitions.
    let topicPartitions: Int?
    let logger: Logger

    func run() async throws {
        try await offPool { for companion in companions { companion.start() } }
        do {
            // It blocks until a broker answers, and must let go when the program is to end.
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    try await offPool {
                        ThreadPriority.lower()
                        try ingest.start { try Topics.ensure(store.definitions, partitions: topicPartitions, logger: logger) }
                    }
                } onGracefulShutdown: {
                    ingest.interrupt()
                }
            } onCancel: {
                ingest.interrupt()
            }
        } catch {
            for companion in companions { companion.stop() }
            store.closeAll()
            throw error
        }
        // Once in a while: slots of readers that died (`millrace get`, killed) would pin old pages.
        while !Task.isShuttingDownGracefully {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(60)) }
            if Task.isCancelled { break }
            let reaped = store.reapStaleReaders()
            if reaped > 0 { logger.warning("freed \(reaped) reader slots of dead processes") }
        }
        try await offPool {
            ingest.stop()
            for companion in companions { companion.stop() }
        }
        store.closeAll()
    }
}

/// Makes what the definitions name.
enum Topics {
    static func ensure(_ definitions: Definitions, partitions: Int?, logger: Logger) throws {
        guard let partitions else { return }
        var configuration = definitions.kafka.properties
        configuration["bootstrap.servers"] = definitions.kafka.brokers
        let names = definitions.streams.flatMap { [$0.topic] + ($0.deadLetterTopic.map { [$0] } ?? []) }
            + Set(definitions.services.compactMap { $0.log?.topic }) + (definitions.audit?.topic.map { [$0] } ?? [])
        let admin = try Admin(configuration: configuration, timeoutMilliseconds: 15_000)
        defer { admin.close() }
        // Erasures are kept for ever, one of each entity is enough; what Millrace produces under ids is kept until these are erased.
        let kept = definitions.privacy.erasures?.topic
        let counts = try admin.createTopics(names.map {
            .init(name: $0, partitions: partitions, settings: $0 == kept ? ["cleanup.policy": "compact"] : [:])
        })
        logger.info("topics are there: \(names.map { "\($0) (\(counts[$0] ?? 0) partitions)" }.joined(separator: ", "))")
    }
}
