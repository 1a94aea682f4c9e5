internal import Avro
internal import Compression
internal import FeatureStore
internal import Glibc
internal import JSONBytes

/// Turns blocks of records into chunks of events. One per thread.
final class LogDecoder {
    let definitions: Definitions
    let options: LogOptions
    private let descriptorSets: [[UInt8]?]
    private let pool: LogChunkPool
    /// By stream, for events as JSON.
    let json: [EventDecoder]
    let topics: [[UInt8]]
    /// Of the envelope before: most have the same.
    var lastTopic = 0

    // By stream, or of the present file.
    private var protobuf: [EventDecoder?]
    private var table: (file: Int, decoder: EventDecoder)?
    private var container: (file: Int, decoder: ContainerDecoder)?

    /// Throws what is wrong with the definitions, before any thread starts.
    init(
        _ definitions: Definitions, _ descriptorSets: [[UInt8]?], _ options: LogOptions, pool: LogChunkPool
    ) throws(LogError) {
        self.definitions = definitions
        self.options = options
        self.descriptorSets = descriptorSets
        self.pool = pool
        var json: [EventDecoder] = []
        for (index, stream) in definitions.streams.enumerated() {
            do throws(DecoderSetupError) {
                json.append(try EventDecoder(json: stream, index: Int32(index)))
            } catch {
                throw LogError("\(error)")
            }
        }
        self.json = json
        topics = definitions.streams.map { Array($0.topic.utf8) }
        protobuf = Array(repeating: nil, count: definitions.streams.count)
    }

    /// The chunk of a block. Of an error and of the faults, lines are counted from the block's first, which is 1.
    func decode(_ block: LogBlock) throws(LogError) -> LogChunk {
        let chunk = LogChunk(pool: pool, streamCount: definitions.streams.count)
        chunk.memory = block.memory
        chunk.source = block.source
        chunk.path = block.source.path
        chunk.byteCount = block.count
        chunk.bytesRead = block.bytesRead
        chunk.start = LogPosition(file: block.source.index, offset: block.offset, line: 0)
        chunk.position = LogPosition(file: block.source.index, offset: block.offset + Int64(block.count), line: 0)
        switch block.source.format {
        case .ndjson: try decodeLines(block, chunk)
        case .csv, .tsv: try decodeRows(block, chunk)
        case .protobuf: try decodeMessages(block, chunk)
        case .avro: try decodeContainer(block, chunk)
        }
        return chunk
    }

    // MARK: One record

    /// Where a record stands and where it comes from.
    struct Place {
        var stream: Int
        /// Of the record's value in the block; faults are counted from there.
        var offset: Int
        var line: Int64?
        var partition: Int32 = -1
        var sourceOffset: Int64 = -1
        var recordTime: Int64 = -1
    }

    /// Takes note of what became of a record; `firstValue` is the batch's `valueCount` before it.
    @inline(__always)
    func take(
        _ outcome: DecodeOutcome, _ place: Place, _ decoder: EventDecoder, firstValue: Int, _ chunk: LogChunk, _ block: LogBlock
    ) {
        switch outcome {
        case .event:
            let time = chunk.batch.events[chunk.batch.eventCount - 1].time
            if time < options.from ?? .min || time >= options.until ?? .max {
                chunk.batch.removeLast(firstValue: firstValue)
                chunk.outside[place.stream] += 1
                return
            }
            chunk.recordTimes.append(place.recordTime)
            chunk.partitions.append(place.partition)
            chunk.offsets.append(place.sourceOffset)
        case .dropped(let reason, let detail):
            drop(reason, detail, place, decoder, chunk, block)
        }
    }

    /// `decoder`: nil when the record does not say which stream's it is.
    func drop(
        _ reason: DropReason, _ detail: DecodeFaultDetail, _ place: Place, _ decoder: EventDecoder?, _ chunk: LogChunk, _ block: LogBlock
    ) {
        chunk.drops.append(.init(
            stream: Int32(place.stream), reason: reason, partition: place.partition, offset: place.sourceOffset, recordTime: place.recordTime))
        guard reason == .malformed || reason == .unknown, chunk.faults.count < options.maxFaults else { return }
        let subject = decoder.map { $0.fault(reason, detail).what } ?? "the record \(detail.problem) (byte \(detail.position))"
        chunk.faults.append(LogFault(
            path: block.source.path, line: place.line, offset: block.offset + Int64(place.offset),
            stream: place.stream >= 0 ? definitions.streams[place.stream].name : nil, problem: subject))
    }

    // MARK: Length-delimited Protobuf

    private func decodeMessages(_ block: LogBlock, _ chunk: LogChunk) throws(LogError) {
        let stream = block.source.stream!
        let decoder: EventDecoder
        if let known = protobuf[stream] {
            decoder = known
        } else {
            do throws(DecoderSetupError) {
                decoder = try EventDecoder(
                    stream: definitions.streams[stream], index: Int32(stream), descriptorSet: descriptorSets[stream])
            } catch {
                throw LogError(path: block.source.path, "\(error)")
            }
            protobuf[stream] = decoder
        }
        let bytes = UnsafeRawBufferPointer(rebasing: block.memory.bytes[..<block.count])
        var at = 0
        while at < bytes.count, let (length, start) = RecordSplitter.messageLength(bytes, at: at) {
            let message = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)])
            chunk.records += 1
            let firstValue = chunk.batch.valueCount
            let outcome = decoder.decode(message, recordTime: options.recordTime, into: chunk.batch)
            take(outcome, Place(stream: stream, offset: start), decoder, firstValue: firstValue, chunk, block)
            at = start + Int(length)
        }
    }

    // MARK: CSV

    static func tableDecoder(
        _ source: LogSource, _ definitions: Definitions, _ options: LogOptions
    ) throws(LogError) -> EventDecoder {
        do throws(DecoderSetupError) {
            return try EventDecoder(
                csv: definitions.streams[source.stream!], index: Int32(source.stream!), columns: source.columns, options: options,
                delimiter: source.format.delimiter)
        } catch {
            throw LogError(path: source.path, line: 1, "\(error)")
        }
    }

    private func decodeRows(_ block: LogBlock, _ chunk: LogChunk) throws(LogError) {
        if table?.file != block.source.index {
            table = (block.source.index, try Self.tableDecoder(block.source, definitions, options))
        }
        let decoder = table!.decoder, stream = block.source.stream!
        let bytes = UnsafeRawBufferPointer(rebasing: block.memory.bytes[..<block.count])
        var at = 0
        var line: Int64 = 0
        while at < bytes.count {
            let (end, breaks, isClosed) = rowEnd(bytes, from: at)
            guard isClosed, end - at <= options.maxRecordBytes else {
                throw LogError(
                    path: block.source.path, line: line + 1, offset: block.offset + Int64(at),
                    isClosed ? "the row has more than \(options.maxRecordBytes) bytes" : "the row ends inside quotes",
                    remedy: "is there a quote that nothing closes, or one that is not doubled?")
            }
            var row = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
            if row.last == 0x0d { row = UnsafeRawBufferPointer(rebasing: row.dropLast()) }
            if row.count > 0 {
                chunk.records += 1
                let firstValue = chunk.batch.valueCount
                let outcome = decoder.decode(row, recordTime: options.recordTime, into: chunk.batch)
                take(
                    outcome, Place(stream: stream, offset: at, line: line + 1), decoder, firstValue: firstValue, chunk, block)
            }
            line += breaks
            at = end + 1
        }
        chunk.lines = line
    }

    /// The line break that ends the row, or the end of the bytes; and how many line breaks lie up to there and with it.
    private func rowEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (end: Int, breaks: Int64, isClosed: Bool) {
        var at = start, quotes = 0
        var breaks: Int64 = 0
        while true {
            let found = memchr(bytes.baseAddress! + at, 0x0a, bytes.count - at)
            let end = found.map { UnsafeRawPointer($0) - bytes.baseAddress! } ?? bytes.count
            if memchr(bytes.baseAddress! + at, 0x22, end - at) != nil {
                for n in at..<end where bytes[n] == UInt8(ascii: "\"") { quotes += 1 }
            }
            if found != nil { breaks += 1 }
            if quotes & 1 == 0 { return (end, breaks, true) }
            if found == nil || end + 1 == bytes.count { return (end, breaks, false) }
            at = end + 1
        }
    }

    // MARK: Avro

    static func containerDecoder(
        _ source: LogSource, _ definitions: Definitions, _ options: LogOptions
    ) throws(LogError) -> ContainerDecoder {
        do {
            let schema = try AvroSchema(json: source.container!.schema)
            if let path = schema.root.arrayOfNothing() {
                throw LogError(
                    path: source.path, "`\(path)` is an array of values without bytes, of which a damaged file may have any number",
                    remedy: "write it as a number")
            }
            return ContainerDecoder(
                reader: try AvroRecordReader(schema), decompressor: BlockDecompressor(source.container!.codec),
                events: try EventDecoder(
                    avro: definitions.streams[source.stream!], index: Int32(source.stream!), schema: schema,
                    json: source.container!.schema, options: options))
        } catch let error as LogError {
            throw error
        } catch {
            throw LogError(path: source.path, "\(error)")
        }
    }

    private func decodeContainer(_ block: LogBlock, _ chunk: LogChunk) throws(LogError) {
        if container?.file != block.source.index {
            container = (block.source.index, try Self.containerDecoder(block.source, definitions, options))
        }
        let decoder = container!.decoder, stream = block.source.stream!
        for part in block.parts {
            var record: Int64 = 0
            do {
                let data = UnsafeRawBufferPointer(rebasing: block.memory.bytes[part.start..<part.start + part.count])
                decoder.reader.begin(try decoder.decompressor.decompress(data, limit: options.maxRecordBytes))
                while record < part.records {
                    record += 1
                    let value = try decoder.reader.next()
                    chunk.records += 1
                    let firstValue = chunk.batch.valueCount
                    let outcome = decoder.events.decode(value, recordTime: options.recordTime, into: chunk.batch)
                    take(
                        outcome, Place(stream: stream, offset: part.start), decoder.events, firstValue: firstValue, chunk, block)
                }
            } catch {
                throw LogError(
                    path: block.source.path, offset: block.offset + Int64(part.start),
                    "\(error)\(record > 0 ? ", in record \(record) of the block" : "")", remedy: "copy the file again from where it comes from")
            }
            guard decoder.reader.isAtEnd else {
                throw LogError(
                    path: block.source.path, offset: block.offset + Int64(part.start),
                    "the block has more bytes than its \(part.records) records", remedy: "the file is damaged, or its schema is another's")
            }
        }
    }
}

/// All it takes to decode the blocks of one Avro container.
struct ContainerDecoder {
    let reader: AvroRecordReader
    let decompressor: BlockDecompressor
    let events: EventDecoder
}
