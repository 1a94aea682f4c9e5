internal import LMDB

extension Store {
    /// What the shards of this process say of a receipt; nil: none of them has heard of it.
    @available(*, noasync)
    public func erasure(receipt: String) throws -> ErasureReceipt? {
        guard let topic = definitions.privacy.erasures?.topic, !receipt.isEmpty, receipt.utf8.count <= 64 else { return nil }
        let shards = shards
        let found = try shards.map { (shard: $0.number, parts: try $0.erasures(receipt: receipt)) }.filter { !$0.parts.isEmpty }
        guard let first = found.first?.parts.first else { return nil }
        var pseudonyms: [Pseudonym] = []
        for part in found.flatMap(\.parts) where !pseudonyms.contains(part.pseudonym) { pseudonyms.append(part.pseudonym) }
        let ofShards = found.map { number, parts in
            ErasureReceipt.OfShard(shard: number, erased: parts.count, isPurged: parts.allSatisfy(\.isPurged))
        }
        let whole = Set(ofShards.filter { $0.erased == pseudonyms.count }.map(\.shard))
        let count = partitionCount(topic) ?? shards.count
        return ErasureReceipt(
            receipt: receipt, entity: first.entity, time: found.flatMap(\.parts).map(\.time).min() ?? first.time, pseudonyms: pseudonyms,
            shards: ofShards, missing: (0..<count).filter { !whole.contains($0) })
    }

    /// Whether any shard of this process has a tombstone of an id.
    @available(*, noasync)
    package func isErased(entity: Int, id: UnsafeRawBufferPointer) throws -> Bool {
        for shard in shards where try shard.isErased(entity: entity, id: id) { return true }
        return false
    }

    /// How often rows were erased in this process: what is kept of answers from before is not to be served.
    public var erasureCount: UInt64 {
        guard let stream = catalog.erasureStream else { return 0 }
        // Asked for each lookup of what is kept of answers, so without the list in order.
        return state.withLock { $0.shards }.values.reduce(0) { $0 &+ $1.counts[stream].applied }
    }
}
