public import FeatureStore
import JSONBytes

/// Turns the bytes of one stream's records into events: the keys, the fields, the time and the id that the definition names, and
/// nothing else. `docs/EVENTS.md` states the rules.
///
/// First a scanner finds each value in the bytes, then the value is converted by the stream's types; JSON and Protobuf share the second
/// half. Strings point into the record where they can. In the steady state nothing is allocated.
///
/// One per stream and thread: it holds scratch memory and is not `Sendable`.
public final class EventDecoder {
    /// Bytes of a string field, an id or a time, at most.
    public static var maxStringBytes: Int { FieldDefinition.usualMaxBytes }
    /// Bytes of an entity key, at most: with the row's prefix it must fit LMDB's key limit of 511.
    public static var maxKeyBytes: Int { 480 }
    /// Offsets into the record are kept in 32 bits.
    public static var maxPayloadBytes: Int { Int(Int32.max) }

    enum Scanner {
        case json(JSONProjection)
        case protobuf(ProtobufProjection, ConfluentFrame?)
        case csv(CSVProjection)
        case avro(AvroProjection)
    }

    private let index: Int32
    let scanner: Scanner
    let subjects: [String]
    /// The keys, then the fields.
    private let targets: UnsafeMutablePointer<ValueTarget>
    private let targetCount: Int
    private let keyCount: Int
    let time: TimeSource
    /// Negative: the stream has no ids.
    private let idCapture: Int
    let captures: UnsafeMutablePointer<RawValue>
    let captureCount: Int
    /// Per capture; nil where the value is no enum.
    let enumNames: [EnumNames?]

    /// - Parameters:
    ///   - index: the stream's index in `Definitions.streams`.
    ///   - descriptorSet: content of the file that `ProtobufFormat.descriptorSet` names; nil for JSON.
    public convenience init(stream: StreamDefinition, index: Int32, descriptorSet: [UInt8]?) throws(DecoderSetupError) {
        let plan = try DecoderPlan(stream: stream, descriptorSet: descriptorSet)
        let scanner: Scanner = switch stream.format {
        case .json: .json(JSONProjection(plan.root))
        case .protobuf(let format):
            .protobuf(
                ProtobufProjection(plan.root),
                format.framing == .confluent ? ConfluentFrame(indexes: plan.messageIndexes) : nil)
        }
        self.init(plan, of: stream, index: index, scanner)
    }

    init(_ plan: DecoderPlan, of stream: StreamDefinition, index: Int32, _ scanner: Scanner) {
        self.index = index
        self.scanner = scanner
        subjects = plan.slots.map { "\($0.name)\($0.path.parts.isEmpty ? "" : " (\($0.path))")" }
        keyCount = stream.keys.count
        targetCount = stream.keys.count + stream.fields.count
        targets = .allocate(capacity: max(1, targetCount))
        for (n, slot) in plan.slots.prefix(targetCount).enumerated() {
            (targets + n).initialize(to: ValueTarget(capture: slot.node?.capture ?? 0, role: slot.role, maxBytes: slot.maxBytes))
        }
        time = TimeSource(format: stream.time.format, node: plan.slots[targetCount].node)
        idCapture = stream.idPath == nil ? -1 : plan.slots[targetCount + 1].node?.capture ?? -1
        captureCount = plan.root.captures.count
        captures = .allocate(capacity: max(1, captureCount))
        captures.initialize(repeating: RawValue(), count: captureCount)
        var names = [EnumNames?](repeating: nil, count: captureCount)
        for (node, _) in plan.root.flattened() where node.capture >= 0 {
            if let field = node.proto, field.kind == .enumeration {
                names[node.capture] = EnumNames(plan.enums[field.typeName] ?? [:])
            }
        }
        enumNames = names
    }

    deinit {
        targets.deallocate()
        captures.deallocate()
    }

    /// Reads one record's value and appends the event to `batch`.
    ///
    /// `payload` must stay in place until the batch is reset, because strings point into it.
    /// - Parameter recordTime: the broker's timestamp in µs since the epoch; -1 if there is none.
    public func decode(
        _ payload: UnsafeRawBufferPointer, recordTime: Int64, into batch: EventBatch
    ) -> DecodeOutcome {
        if payload.count == 0 { return .dropped(.empty, DecodeFaultDetail(.empty)) }
        if payload.count > Self.maxPayloadBytes { return .dropped(.malformed, DecodeFaultDetail(.tooLong)) }
        switch scanner {
        case .json(let projection):
            for n in 0..<captureCount { captures[n] = RawValue() }
            do {
                try projection.scan(payload, into: captures)
            } catch {
                let problem: DecodeProblem = error.problem == .wrongType ? .notAnObject : DecodeProblem(error.problem)
                return .dropped(.malformed, DecodeFaultDetail(problem, position: error.position))
            }
        case .protobuf(let projection, let frame):
            var position = 0
            do throws(DecodeProblem) {
                let start = try frame?.messageOffset(in: payload, position: &position) ?? 0
                try projection.scan(payload, from: start, into: captures, position: &position)
            } catch {
                let isUnknown = error == .magicNotConfluent || error == .otherMessage
                return .dropped(isUnknown ? .unknown : .malformed, DecodeFaultDetail(error, position: position))
            }
        case .csv(let projection):
            for n in 0..<captureCount { captures[n] = RawValue() }
            var position = 0
            do throws(DecodeProblem) {
                try projection.scan(payload, into: captures, position: &position)
            } catch {
                return .dropped(.malformed, DecodeFaultDetail(error, position: position))
            }
        // Records of Avro containers are no bytes but values: `decode(_:into:)`.
        case .avro: return .dropped(.malformed, DecodeFaultDetail(.notAnObject))
        }
        return append(payload, recordTime: recordTime, to: batch)
    }

    /// The second half: what the scanner found, by the stream's types.
    func append(
        _ payload: UnsafeRawBufferPointer, recordTime: Int64, to batch: EventBatch
    ) -> DecodeOutcome {
        let values = batch.reserveValues(targetCount)
        var slot = 0
        do throws(DecodeProblem) {
            while slot < targetCount {
                values[slot] = try value(for: targets[slot], in: payload, batch)
                slot += 1
            }
            let time = try eventTime(in: payload, recordTime: recordTime, batch)
            slot += 1
            let id: UInt64
            if idCapture >= 0 {
                id = XXHash64.hash(try identifier(idCapture, limit: .string, in: payload, batch).bytes)
            } else {
                id = EventIdentity.hash(values, count: targetCount)
            }
            batch.append(stream: index, time: time, id: id, valueCount: targetCount)
            return .event
        } catch {
            return .dropped(.malformed, DecodeFaultDetail(error, slot: slot, position: position(ofSlot: slot)))
        }
    }

    /// Where the value of a slot was found; 0 when it was not.
    private func position(ofSlot slot: Int) -> Int {
        let capture = slot < targetCount ? Int(targets[slot].capture) : slot == targetCount ? time.capture : idCapture
        return capture >= 0 ? Int(captures[capture].position) : 0
    }

    /// The outcome `.dropped(reason, detail)` of this decoder in words.
    public func fault(_ reason: DropReason, _ detail: DecodeFaultDetail) -> DecodeFault {
        let slot = Int(detail.slot)
        return DecodeFault(
            reason: reason, detail: detail, subject: subjects.indices.contains(slot) ? subjects[slot] : "the record",
            maxBytes: slot >= 0 && slot < targetCount && targets[slot].kind == .string ? Int(targets[slot].bound) : Self.maxStringBytes)
    }
}
