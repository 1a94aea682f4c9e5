public import FeatureStore
public import JSONBytes

/// What an erasure answers.
public struct EraseAnswer: Sendable {
    public let receipt: ErasureReceipt
    /// Where the erasures are in their topic; empty when a receipt is only asked for.
    public let offsets: [SourceOffset]

    public init(receipt: ErasureReceipt, offsets: [SourceOffset] = []) {
        self.receipt = receipt
        self.offsets = offsets
    }
}

extension LookupService {
    /// How long an erasure waits for the shards of this process.
    public static var erasurePatience: Duration { .seconds(10) }

    /// Erases: the records are durable when it answers, and mostly the shards of this process have applied them. What they have not done
    /// then they do all the same, as after any restart; the receipt tells.
    public func erase(_ request: EraseRequest) async throws(LookupProblem) -> EraseAnswer {
        guard let eraser else {
            throw LookupProblem(.notDurable, detail: "This process does not erase.", remedy: "Ask another, or use `millrace erase`.")
        }
        let id = ErasureReceipt.newID()
        let time = source.now()
        let offsets = try await eraser.erase(request, id)
        let here = offsets.filter { source.nextOffset($0.topic, $0.partition) != nil }
        try? await wait(for: here, patience: Self.erasurePatience)
        let known = try eraser.receipt(id)
        let receipt = known ?? ErasureReceipt(
            receipt: id, entity: request.entity, time: time, pseudonyms: [], shards: [], missing: offsets.map(\.partition))
        return EraseAnswer(receipt: receipt, offsets: offsets)
    }

    /// What became of an erasure.
    public func erasure(receipt: String) throws(LookupProblem) -> EraseAnswer {
        guard let eraser, let known = try eraser.receipt(receipt) else {
            throw LookupProblem(
                .unknownReceipt, detail: "No shard of this process has heard of the receipt \"\(receipt.prefix(64))\".",
                remedy: "Check it; or ask a process that has applied the topic of erasures (GET /v1/shards shows how far this one is).")
        }
        return EraseAnswer(receipt: known)
    }
}

extension EraseAnswer: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("receipt", receipt.receipt)
        json.member("entity", receipt.entity)
        json.time("time", receipt.time)
        json.member("outcome", receipt.outcome.rawValue)
        json.key("pseudonyms")
        json.strings(receipt.pseudonyms.map(\.description))
        json.key("shards")
        json.list(receipt.shards) { json, shard in
            json.member("shard", shard.shard)
            json.member("erased", shard.erased)
            json.key("purged")
            json.bool(shard.isPurged)
        }
        json.key("missing")
        json.array(receipt.missing) { $0.int(Int64($1)) }
        if !offsets.isEmpty { json.offsets(offsets) }
        json.endObject()
    }
}
