internal import Synchronization

/// How a complete next generation takes the place of the live shard. docs/STORAGE.md has the steps; each may be the last of the process.
extension Store {
    /// Before a shard opens: ends an adoption that was cut short, and adopts what is complete.
    func adoptAtStart(_ number: Int, _ counts: [String: Int], _ warn: (String) -> Void) throws(ShardError) {
        let files = GenerationFiles(number, in: directory)
        try files.recover()
        guard GenerationFiles.exists(files.next), let lock = DirectoryLock(files.next) else { return }
        defer { withExtendedLifetime(lock) {} }
        if try isAdoptable(files, counts, warn) { try files.adopt() }
    }

    /// Opens the next generation of a hosted shard beside the live one when it is complete and of these definitions, to catch up before
    /// `adoptNext`. Lookups go on reading the live one. Cheap while there is nothing new: one system call.
    ///
    /// One that cannot be adopted is left alone, and `warn` hears of it once.
    public func openNext(_ number: Int, warn: (String) -> Void) throws(ShardError) -> Shard? {
        let files = GenerationFiles(number, in: directory)
        let identity = files.nextIdentity
        let (isKnown, counts) = state.withLock { state in
            if identity == nil { state.passedOver[number] = nil }
            return (identity == nil || state.passedOver[number] == identity || state.next[number] != nil, state.partitionCounts)
        }
        guard !isKnown, let lock = DirectoryLock(files.next) else { return nil }
        state.withLock { $0.passedOver[number] = files.nextIdentity }
        guard try isAdoptable(files, counts, warn) else { return nil }
        do {
            let shard = try Shard(
                number: number, definitions: definitions, path: files.next, partitionCounts: counts, role: .catchingUp, warn: warn)
            state.withLock { $0.next[number] = (shard, lock) }
            return shard
        } catch {
            // Not tried again as it is.
            state.withLock { $0.passedOver[number] = files.nextIdentity }
            throw error
        }
    }

    /// Makes the shard of `openNext` the live one: lookups that begin from now on read it. The old one is closed when its running lookups are
    /// done, and deleted. No batch may be at work on either.
    ///
    /// - Returns: the live shard, opened anew at its own place.
    /// - Throws: with the next generation still open (`hasNext`) when nothing has changed.
    public func adoptNext(_ number: Int) throws(ShardError) -> Shard {
        let (next, counts) = state.withLock { ($0.next[number], $0.partitionCounts) }
        guard let next else { throw .generation("no next generation is open", directory: Shard.path(directory, number)) }
        defer { withExtendedLifetime(next.lock) {} }
        // What does not get into its file now would be missing behind the exchange.
        try next.shard.flush()
        state.withLock { _ = $0.next.removeValue(forKey: number) }
        next.shard.close()
        let files = GenerationFiles(number, in: directory)
        _ = try files.swap()
        let shard = try Shard(number: number, definitions: definitions, directory: directory, partitionCounts: counts)
        let old = state.withLock { state in
            state.unavailable[number] = nil
            return state.shards.updateValue(shard, forKey: number)
        }
        old?.retire()
        _ = try? files.deleteOld()  // What is left of it is deleted at the next start.
        return shard
    }

    /// Whether a next generation is open.
    public func hasNext(_ number: Int) -> Bool { state.withLock { $0.next[number] != nil } }

    /// Closes a next generation; it stays complete. `passOver`: `openNext` shall not open it again as it is.
    public func closeNext(_ number: Int, passOver: Bool = false) {
        guard let next = state.withLock({ $0.next.removeValue(forKey: number) }) else { return }
        next.shard.close()
        if passOver { state.withLock { $0.passedOver[number] = GenerationFiles(number, in: directory).nextIdentity } }
        withExtendedLifetime(next.lock) {}
    }

    /// The caller holds the lock of the next generation.
    private func isAdoptable(
        _ files: GenerationFiles, _ counts: [String: Int], _ warn: (String) -> Void
    ) throws(ShardError) -> Bool {
        switch files.standing() {
        case .building: return false
        case .leftover:
            try GenerationFiles.remove(files.next)
            return false
        case .torn:
            warn("\(files.next) was open without syncing when the system went down: it is deleted. Build it again")
            try GenerationFiles.remove(files.next)
            return false
        case .complete(let meta, _):
            guard let difference = meta.difference(from: definitions, partitionCounts: counts) else { return true }
            warn("""
                \(files.next) is a complete generation of other definitions (\(difference)): it is left alone. Start with the definitions it \
                was built with to adopt it, or remove it with `millrace rebuild --discard`
                """)
            return false
        }
    }
}
