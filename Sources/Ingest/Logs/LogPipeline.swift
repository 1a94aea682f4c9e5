public import FeatureStore
internal import Synchronization

/// Reads event logs and decodes them on several threads; hands the events over in the order of the log.
///
///     files ──reading thread──► blocks ──decoding threads──► chunks ──in order──► the caller
///
/// Memory is bounded: `2 · threads + 2` blocks of `LogOptions.blockBytes` are read ahead of the caller at most, with the events decoded of
/// them some 4 MB each. A longer record makes its block larger, up to `LogOptions.maxRecordBytes`.
public final class LogPipeline {
    public let files: LogFiles
    private let definitions: Definitions
    private let descriptorSets: [[UInt8]?]
    private let options: LogOptions

    /// Sum of the files as they lie on the disk; nil when standard input is among them.
    public var totalBytes: Int64? { files.totalBytes }

    /// Finds the files. Their content is looked at by `run`.
    ///
    /// `descriptorSets`: per stream, the descriptor set of a Protobuf stream.
    public init(definitions: Definitions, descriptorSets: [[UInt8]?], options: LogOptions) throws(LogError) {
        self.definitions = definitions
        self.descriptorSets = descriptorSets
        self.options = options
        files = try LogFiles(options.paths)
        _ = try SourceOpener(definitions, options)
        _ = try LogDecoder(definitions, descriptorSets, options, pool: LogChunkPool(limit: 0, usualBytes: 0))
    }

    /// Hands over every chunk from `from` on, on this thread, until `body` returns false. Blocks.
    ///
    /// Chunks also end at each of `cuts`, positions of chunks of an earlier run: what was applied up to there can then be left out whole.
    /// - Throws: `LogError`, after the chunks that come before the fault; and what `body` throws.
    public func run(from: LogPosition? = nil, cuts: [LogPosition] = [], _ body: (LogChunk) throws -> Bool) throws {
        let threads = max(1, options.threads)
        let pool = LogChunkPool(limit: threads * 2 + 4, usualBytes: options.blockBytes)
        let start = from ?? .start
        guard start.file < files.files.count else { return }
        let work = LogWork(limit: threads * 2 + 2)
        let setup = Setup(
            reader: BlockReader(
                files: files, options: options, opener: try SourceOpener(definitions, options), from: start, cuts: cuts,
                pool: pool.memory),
            decoders: try (0..<threads).map { _ throws(LogError) in
                try LogDecoder(definitions, descriptorSets, options, pool: pool)
            })
        var running = [WorkerThread("log-read") { Self.read(setup.reader, work) }]
        for n in 0..<threads { running.append(WorkerThread("log-\(n)") { Self.decode(setup.decoders[n], work) }) }
        defer {
            work.stop()
            for thread in running { thread.join() }
        }
        var order = LogOrder(start: start, definitions: definitions, maxFaults: options.maxFaults)
        while let result = work.next() {
            switch result {
            case .success(let chunk):
                try order.place(chunk)
                guard try body(chunk) else { return }
            case .failure(let error): throw order.place(error)
            }
        }
    }

    /// Each part is used by one thread.
    private struct Setup: @unchecked Sendable {
        let reader: BlockReader
        let decoders: [LogDecoder]
    }

    private static func read(_ reader: BlockReader, _ work: LogWork) {
        while work.mayRead() {
            do throws(LogError) {
                guard let block = try reader.nextBlock() else { return work.finishReading() }
                work.add(block)
            } catch {
                return work.finishReading(error)
            }
        }
    }

    private static func decode(_ decoder: LogDecoder, _ work: LogWork) {
        while let (sequence, block) = work.take() {
            do throws(LogError) {
                work.put(.success(try decoder.decode(block)), sequence)
            } catch {
                var error = error
                error.isRelative = true
                error.file = block.source.index
                error.headerLines = block.source.headerLines
                work.put(.failure(error), sequence)
            }
        }
    }
}

/// What the threads of a run hand to each other.
private final class LogWork: @unchecked Sendable {
    private let monitor = Monitor()
    private let limit: Int
    private var blocks: [(Int, LogBlock)] = []
    private var results: [Int: Result<LogChunk, LogError>] = [:]
    private var read = 0
    private var delivered = 0
    private var isReadingDone = false
    private var isStopped = false

    init(limit: Int) { self.limit = limit }

    /// Waits until there is room for another block; false when nobody wants one.
    func mayRead() -> Bool {
        monitor.wait { isStopped ? false : read - delivered < limit ? true : nil }
    }

    func add(_ block: LogBlock) {
        monitor.change {
            blocks.append((read, block))
            read += 1
        }
    }

    func finishReading(_ error: LogError? = nil) {
        monitor.change {
            if let error {
                results[read] = .failure(error)
                read += 1
            }
            isReadingDone = true
        }
    }

    func take() -> (Int, LogBlock)? {
        monitor.wait { () -> (Int, LogBlock)?? in
            if isStopped { return .some(nil) }
            if !blocks.isEmpty { return .some(blocks.removeFirst()) }
            return isReadingDone ? .some(nil) : nil
        }
    }

    func put(_ result: Result<LogChunk, LogError>, _ sequence: Int) { monitor.change { results[sequence] = result } }

    /// The next result in order; nil at the end.
    func next() -> Result<LogChunk, LogError>? {
        monitor.wait { () -> Result<LogChunk, LogError>?? in
            if let result = results.removeValue(forKey: delivered) {
                delivered += 1
                return .some(result)
            }
            return isReadingDone && delivered == read ? .some(nil) : nil
        }
    }

    func stop() {
        monitor.change {
            isStopped = true
            blocks.removeAll()
        }
    }
}
