internal import LMDB

/// Rows as lookups, explanations and comparisons read them.
extension Shard {
    /// Calls `body` with the row of a key, in place; nil when there is none.
    @available(*, noasync)
    package func withRow<R>(
        entity: Int, key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws -> R
    ) throws -> R {
        try catalog.entities[entity].withRowKey(key) { rowKey in
            try environment.read { transaction in try body(transaction.get(rows, rowKey)) }
        }
    }

    /// The same by the key that `forEachRow` gives.
    @available(*, noasync)
    func withRow<R>(entity: Int, storedKey: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws -> R) throws -> R {
        try catalog.entities[entity].withRowKey(stored: storedKey) { rowKey in
            try environment.read { transaction in try body(transaction.get(rows, rowKey)) }
        }
    }

    /// Calls `body` with the row of a key, in place, and with what was dropped of its events; both of the same commit.
    @available(*, noasync)
    package func withRowAndDrops<R>(
        entity: Int, key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?, RowDrops) throws -> R
    ) throws -> R {
        try catalog.entities[entity].withRowKey(key) { prefixed in
            try environment.read { transaction in
                let counts = try transaction.get(drops, prefixed).map { RowDrops($0) } ?? RowDrops()
                guard let counts else { throw CorruptRow(what: "counts of dropped events") }
                return try body(transaction.get(rows, prefixed), counts)
            }
        }
    }

    /// Calls `body` with every row of an entity in key order, until it returns false. Of a pseudonymous entity keys are the pseudonyms.
    @available(*, noasync)
    package func forEachRow(
        entity: Int, _ body: (_ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let prefix = catalog.entities[entity].keyPrefix
        try withUnsafeBytes(of: prefix) { start in
            try environment.read { transaction in
                try transaction.forEach(rows, from: start) { key, row in
                    guard key[0] == prefix else { return false }
                    return try body(UnsafeRawBufferPointer(rebasing: key[1...]), row)
                }
            }
        }
    }

    /// The same in transactions of some thousand rows each: not of one commit, but nobody who writes has to wait, and no page is kept from being
    /// used again for long.
    @available(*, noasync)
    func forEachRowInChunks(
        entity: Int, _ body: (_ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let prefix = catalog.entities[entity].keyPrefix
        var next: [UInt8]? = [prefix]
        while let first = next {
            next = nil
            var left = 4_096
            try first.withUnsafeBytes { first in
                try environment.read { transaction in
                    try transaction.forEach(rows, from: first) { key, row in
                        guard key[0] == prefix else { return false }
                        if left == 0 {
                            next = Array(key)
                            return false
                        }
                        left -= 1
                        return try body(UnsafeRawBufferPointer(rebasing: key[1...]), row)
                    }
                }
            }
        }
    }
}

extension EntityPlan {
    /// The key of a row in LMDB: the prefix, then the id or its pseudonym.
    @inline(__always)
    func withRowKey<R>(_ id: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        guard let rowKeys else { return try withRowKey(stored: id, body) }
        return try withUnsafeTemporaryAllocation(byteCount: 1 + Pseudonym.byteCount, alignment: 1) { key in
            key[0] = keyPrefix
            rowKeys.pseudonym(id).write(to: key.baseAddress! + 1)
            return try body(UnsafeRawBufferPointer(key))
        }
    }

    /// The same of what stands behind the prefix.
    @inline(__always)
    func withRowKey<R>(stored: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeTemporaryAllocation(byteCount: 1 + stored.count, alignment: 1) { key in
            key[0] = keyPrefix
            UnsafeMutableRawBufferPointer(rebasing: key[1...]).copyMemory(from: stored)
            return try body(UnsafeRawBufferPointer(key))
        }
    }

    /// The same at the end of `bytes`.
    @inline(__always)
    func appendRowKey(_ id: UnsafeRawBufferPointer, to bytes: inout GrowableBytes) {
        bytes.append(keyPrefix)
        if let rowKeys { rowKeys.pseudonym(id).write(to: bytes.extend(Pseudonym.byteCount)) } else { bytes.append(id) }
    }

    /// A row's key as people read it.
    func text(ofStoredKey key: UnsafeRawBufferPointer) -> String {
        rowKeys != nil && key.count == Pseudonym.byteCount ? "pseudonym \(Pseudonym(key))" : String(decoding: key, as: UTF8.self)
    }
}
