internal import Synchronization

/// Opening shards: ahead of any broker's word, for ingest, and for reading alone.
extension Store {
    /// Opens the shards that lie on the disk for reading and serves them from now on, before any broker has said which are this process's.
    /// Nothing is written, not even by a next generation that is complete: another process may own the shard, or come to. Whoever is
    /// assigned it opens it for writing (`openShard`). One that cannot be opened is unavailable, and says why.
    ///
    /// `disconnectedSince` is what they are told before anybody sees them.
    ///
    /// With erasures none is served, unless `serve_unconfirmed` says so: it may be a restored copy, in which erasures are missing.
    public func openAhead(disconnectedSince: Int64? = nil) {
        guard !mustConfirmErasures else { return }
        for number in Self.shardNumbers(in: directory) {
            do throws(ShardError) {
                try claim()
                let shard = try Shard(number: number, definitions: definitions, directory: directory, partitionCounts: [:], readOnly: true)
                shard.noteDisconnected(since: disconnectedSince)
                state.withLock { state in
                    state.shards[number] = shard
                    if state.partitionCounts.isEmpty { state.partitionCounts = shard.partitionCounts }
                }
            } catch {
                // A next generation may take its place as soon as the shard is assigned, and then it was no fault.
                if GenerationFiles.exists(GenerationFiles(number, in: directory).next) { continue }
                noteUnavailable(number, "\(error)")
            }
        }
    }

    /// Whether a shard is served only when it is known that no erasure is missing in it.
    public var mustConfirmErasures: Bool { definitions.privacy.erasures.map { !$0.servesUnconfirmed } ?? false }

    /// Opens a shard for ingest and serves it from now on; one that is open for ingest goes on. A complete next generation of these
    /// definitions becomes the live one before. When the shard cannot be written, its rows are served as long as they can be read.
    ///
    /// Lookups of a shard that was opened for reading wait while it is opened anew: LMDB opens a directory once in a process.
    ///
    /// - Parameter confirm: brings it up to the erasures that there are, before anybody reads it. When it throws, nobody does.
    public func openShard(
        _ number: Int, warn: (String) -> Void = { _ in }, confirm: (Shard) throws(ShardError) -> Void = { _ throws(ShardError) in }
    ) throws(ShardError) -> Shard {
        try reopening.withLock { _ throws(ShardError) in
            let (counts, open) = state.withLock { ($0.partitionCounts, $0.shards[number]) }
            if let open, !open.isReadOnly { return open }
            try claim()
            open?.close()
            do throws(ShardError) {
                try adoptAtStart(number, counts, warn)
                let shard = try Shard(
                    number: number, definitions: definitions, directory: directory, partitionCounts: counts, warn: warn)
                do throws(ShardError) { try confirm(shard) } catch {
                    shard.close()
                    throw error
                }
                state.withLock { state in
                    state.shards[number] = shard
                    state.unavailable[number] = nil
                }
                return shard
            } catch {
                let readable = mustConfirmErasures ? nil : try? Shard(
                    number: number, definitions: definitions, directory: directory, partitionCounts: counts, readOnly: true)
                readable?.noteStopped("\(error)")
                state.withLock { state in
                    state.shards[number] = readable
                    state.unavailable[number] = "\(error)"
                }
                throw error
            }
        }
    }

    /// Keeps `millrace restore` from replacing the shards as long as this store serves them.
    private func claim() throws(ShardError) {
        try lock.withLock { lock throws(ShardError) in
            guard lock == nil else { return }
            // What cannot be made says so itself, and better, when it is used.
            guard GenerationFiles.makeDirectory(directory) == nil else { return }
            lock = DirectoryLock(directory, isShared: true)
            if lock == nil { throw .beingRestored(directory: directory) }
        }
    }

    /// Opens every shard of the store's directory for reading, also while a server writes to them.
    public func openExisting() throws(ShardError) {
        var found: [Int: Shard] = [:]
        for number in Self.shardNumbers(in: directory) {
            found[number] = try Shard(
                number: number, definitions: definitions, directory: directory, partitionCounts: [:], readOnly: true)
        }
        guard let any = found.values.first else {
            throw .file("no shard here: check `store.directory`, or let `millrace serve` run first", directory: directory)
        }
        let counts = any.partitionCounts
        state.withLock { state in
            state.shards = found
            state.partitionCounts = counts
            state.isAssigned = true
        }
    }
}
