internal import FeatureStore
internal import Glibc
internal import JSONBytes

/// NDJSON: events one per line, or envelopes around them.
extension LogDecoder {
    func decodeLines(_ block: LogBlock, _ chunk: LogChunk) throws(LogError) {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: block.memory.bytes[..<block.count])
        var at = 0
        var line: Int64 = 0
        while at < bytes.count {
            let found = memchr(bytes.baseAddress! + at, 0x0a, bytes.count - at)
            let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes.baseAddress!) } ?? bytes.count
            let text = UnsafeMutableRawBufferPointer(rebasing: bytes[at..<end])
            line += 1
            if text.count > options.maxRecordBytes {
                throw LogError(
                    path: block.source.path, line: line, offset: block.offset + Int64(at),
                    "the line has more than \(options.maxRecordBytes) bytes", remedy: "are its lines ended by line feeds?")
            }
            if !Self.isBlank(text) {
                chunk.records += 1
                if block.source.isEnvelope {
                    try decodeEnvelope(text, at: at, line: line, block, chunk)
                } else {
                    let stream = block.source.stream!
                    let firstValue = chunk.batch.valueCount
                    let outcome = json[stream].decode(UnsafeRawBufferPointer(text), recordTime: options.recordTime, into: chunk.batch)
                    take(outcome, Place(stream: stream, offset: at, line: line), json[stream], firstValue: firstValue, chunk, block)
                }
            }
            if found == nil { line -= 1 }
            at = end + 1
        }
        chunk.lines = line
    }

    @inline(__always)
    private static func isBlank(_ text: UnsafeMutableRawBufferPointer) -> Bool {
        guard let first = text.first else { return true }
        return first <= 0x20 && text.allSatisfy { $0 <= 0x20 }
    }

    /// What an envelope says around its event.
    private struct Envelope {
        /// Negative: no topic yet; or, with `isOther`, one that no stream reads.
        var stream = -1
        var isOther = false
        var partition: Int64 = -1
        var offset: Int64 = -1
        var milliseconds: Int64 = -1
        /// Of the value in the line, when there is one.
        var value: Range<Int>?
        var kind = JSONKind.null
        var hasEscapes = false
        /// The stream whose decoder has found the value's fields already.
        var scannedBy = -1
    }

    /// `{"topic": .., "value": {..}}` as `millrace generate --to` writes it, perhaps with `partition`, `offset` and `timestamp_ms`; or as
    /// kcat -J does: `{"topic", "partition", "offset", "ts", "payload": "{..}"}`. The value is decoded where it stands.
    private func decodeEnvelope(
        _ line: UnsafeMutableRawBufferPointer, at start: Int, line number: Int64, _ block: LogBlock, _ chunk: LogChunk
    ) throws(LogError) {
        var envelope = Envelope()
        let text = UnsafeRawBufferPointer(line)
        var fault: JSONError?
        do throws(JSONError) {
            try read(text, &envelope)
        } catch {
            fault = error
        }
        var place = Place(
            stream: envelope.stream, offset: start, line: number, partition: Int32(exactly: envelope.partition) ?? -1,
            sourceOffset: envelope.offset, recordTime: options.recordTime)
        if envelope.milliseconds >= 0 {
            let micros = envelope.milliseconds.multipliedReportingOverflow(by: 1_000)
            if !micros.overflow { place.recordTime = micros.partialValue }
        }
        if envelope.isOther {
            chunk.otherTopics += 1
            return
        }
        if place.stream >= 0, place.partition >= 0, place.sourceOffset >= 0 {
            guard chunk.note(
                stream: Int32(place.stream), partition: place.partition, offset: place.sourceOffset, recordTime: place.recordTime)
            else {
                throw .outOfOrder(
                    path: block.source.path, line: number, topic: definitions.streams[place.stream].topic,
                    partition: Int(place.partition), offset: place.sourceOffset)
            }
        }
        if place.stream < 0 { place.stream = block.source.stream ?? -1 }
        let decoder = place.stream >= 0 ? json[place.stream] : nil
        if let fault {
            let problem = fault.problem == .wrongType ? DecodeProblem.notAnObject : DecodeProblem(fault.problem)
            drop(.malformed, DecodeFaultDetail(problem, position: fault.position), place, decoder, chunk, block)
            return
        }
        guard envelope.stream >= 0, let decoder, let value = envelope.value else {
            drop(.malformed, DecodeFaultDetail(.notEnvelope), place, nil, chunk, block)
            return
        }
        let firstValue = chunk.batch.valueCount
        place.offset = start + value.lowerBound
        var payload = UnsafeRawBufferPointer(rebasing: text[value])
        let outcome: DecodeOutcome
        switch envelope.kind {
        case .null: outcome = .dropped(.empty, DecodeFaultDetail(.empty))
        case .object where envelope.scannedBy == envelope.stream:
            outcome = decoder.finish(payload, recordTime: place.recordTime, into: chunk.batch)
        case .string where envelope.hasEscapes:
            // Resolved where it stands: an escape is never shorter than what it means.
            let string = JSONString(bytes: payload, position: value.lowerBound, hasEscapes: true)
            if let count = try? string.unescape(into: UnsafeMutableRawBufferPointer(rebasing: line[value])) {
                payload = UnsafeRawBufferPointer(rebasing: payload[..<count])
                outcome = decoder.decode(payload, recordTime: place.recordTime, into: chunk.batch)
            } else {
                outcome = .dropped(.malformed, DecodeFaultDetail(.jsonEscape))
            }
        case .object, .string: outcome = decoder.decode(payload, recordTime: place.recordTime, into: chunk.batch)
        default: outcome = .dropped(.malformed, DecodeFaultDetail(.notAnObject))
        }
        take(outcome, place, decoder, firstValue: firstValue, chunk, block)
    }

    private func read(_ text: UnsafeRawBufferPointer, _ envelope: inout Envelope) throws(JSONError) {
        var reader = JSONReader(text)
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key.bytes.count {
            case 5 where key == "topic": try readTopic(&reader, &envelope)
            case 5 where key == "value", 7 where key == "payload": try readValue(text, &reader, &envelope)
            case 9 where key == "partition": envelope.partition = try readInteger(&reader)
            case 6 where key == "offset": envelope.offset = try readInteger(&reader)
            case 2 where key == "ts", 12 where key == "timestamp_ms": envelope.milliseconds = try readInteger(&reader)
            default: try reader.skipValue()
            }
        }
        try reader.finish()
    }

    private func readTopic(_ reader: inout JSONReader, _ envelope: inout Envelope) throws(JSONError) {
        guard try reader.peek() == .string else { return try reader.skipValue() }
        let name = try reader.readString().bytes
        func isTopic(_ index: Int) -> Bool {
            topics[index].count == name.count && topics[index].withUnsafeBytes { memcmp($0.baseAddress!, name.baseAddress!, name.count) == 0 }
        }
        if lastTopic >= topics.count || name.isEmpty || !isTopic(lastTopic) {
            guard !name.isEmpty, let index = topics.indices.first(where: isTopic) else {
                (envelope.stream, envelope.isOther) = (-1, true)
                return
            }
            lastTopic = index
        }
        (envelope.stream, envelope.isOther) = (lastTopic, false)
    }

    private func readValue(
        _ text: UnsafeRawBufferPointer, _ reader: inout JSONReader, _ envelope: inout Envelope
    ) throws(JSONError) {
        envelope.kind = try reader.peek()
        envelope.scannedBy = -1
        let start = reader.position
        switch envelope.kind {
        case .object where envelope.stream >= 0:
            let rest = UnsafeRawBufferPointer(rebasing: text[start...])
            do throws(JSONError) {
                reader.pass(to: start + (try json[envelope.stream].scan(prefixOf: rest)))
            } catch {
                throw JSONError(error.problem, at: start + error.position)
            }
            envelope.scannedBy = envelope.stream
            envelope.value = start..<reader.position
        case .string:
            let string = try reader.readString()
            envelope.hasEscapes = string.hasEscapes
            envelope.value = string.position..<string.position + string.bytes.count
        default:
            try reader.skipValue()
            envelope.value = start..<reader.position
        }
    }

    /// -1 for what is none, as null.
    private func readInteger(_ reader: inout JSONReader) throws(JSONError) -> Int64 {
        guard try reader.peek() == .number else {
            try reader.skipValue()
            return -1
        }
        return JSONNumber.parseInt64(try reader.readNumber()).value ?? -1
    }
}

extension LogError {
    /// Late and duplicate are decided in the topic's order, and a record that comes twice would count twice.
    static func outOfOrder(path: String, line: Int64?, topic: String, partition: Int, offset: Int64) -> LogError {
        LogError(
            path: path, line: line, "offset \(offset) of \(topic)[\(partition)] does not come after the one before it",
            remedy: "name the files in the order of the topic, and each record once")
    }
}
