internal import CLinux
internal import Glibc
internal import LMDB

/// The directories of one shard's generations, and the steps by which the next one becomes the live one. docs/STORAGE.md says why each
/// step may be the last.
///
///     shard-NNNN         live
///     shard-NNNN.next    being built, or complete and waiting to be adopted
///     shard-NNNN.old     was live, being deleted
package struct GenerationFiles {
    /// The steps of an adoption, for tests that stop after each.
    package enum Step: CaseIterable { case exchange, sync, setAside, removeData, removeDirectory }

    let number: Int
    let store: String
    var live: String { Shard.path(store, number) }
    package var next: String { live + ".next" }
    package var old: String { live + ".old" }

    package init(_ number: Int, in store: String) {
        self.number = number
        self.store = store
    }

    /// The numbers of the shards that have a next generation, building or complete.
    static func withNext(in store: String) -> [Int] {
        entries(of: store).compactMap { name in
            guard name.hasPrefix("shard-"), name.hasSuffix(".next") else { return nil }
            return Int(name.dropFirst(6).dropLast(5))
        }.sorted()
    }

    package static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// Changes whenever a writer opens or closes the next generation.
    var nextIdentity: [Int]? {
        var status = stat()
        guard stat(next + "/session", &status) == 0 || stat(next, &status) == 0 else { return nil }
        return [Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }

    // MARK: What there is

    /// What a next generation is good for. The caller holds its lock.
    enum Standing {
        /// Not complete; may be empty.
        case building(GenerationMark?)
        /// Nobody goes on with it: it was live, and an adoption was cut short after the exchange; or it is a purge or a restore that did not come to its end.
        case leftover
        /// Written without syncing when the system went down.
        case torn
        case complete(ShardMeta, GenerationMark)
    }

    func standing() -> Standing {
        if SessionMark(directory: next).isTorn { return .torn }
        let meta = Self.readMeta(next)
        if meta?.generation?.isAbandoned == true { return .leftover }
        guard let meta, meta.format != nil else { return .building(nil) }
        guard let mark = meta.generation else { return .leftover }
        return mark.state == .complete ? .complete(meta, mark) : .building(mark)
    }

    /// Nil when there is nothing to read yet.
    static func readMeta(_ path: String) -> ShardMeta? {
        guard exists(path + "/data.mdb"),
            let environment = try? Environment(.init(path: path, mapBytes: 1 << 20, maxReaders: 1024, maxTables: 4, readOnly: true))
        else { return nil }
        defer { environment.close() }
        guard let table = try? environment.openTable("meta") else { return nil }
        return try? environment.read { transaction in try ShardMeta(reading: table, in: transaction) }
    }

    // MARK: Steps

    /// Ends what a killed process left halfway: afterwards the live directory is there, unless the shard is new, and nothing is set aside.
    func recover() throws(ShardError) {
        guard Self.exists(old) else { return }
        if Self.exists(live) {
            try Self.remove(old)
        } else {
            try rename(old, live)
        }
    }

    /// Makes the next generation the live one and deletes what was. The caller holds the lock of the next generation.
    ///
    /// `stopAfter` ends it early as a kill would; false then.
    @discardableResult
    package func adopt(stopAfter: Step? = nil) throws(ShardError) -> Bool {
        guard try swap(stopAfter: stopAfter) else { return false }
        return try deleteOld(stopAfter: stopAfter)
    }

    /// The first half of `adopt`: the next generation is live, what was live is set aside.
    func swap(stopAfter: Step? = nil) throws(ShardError) -> Bool {
        // After the exchange it is the lock of the next one's name, which nobody shall take for a place to build in.
        let lock = DirectoryLock(live)
        defer { withExtendedLifetime(lock) {} }
        try exchange()
        if stopAfter == .exchange { return false }
        try syncStore()
        if stopAfter == .sync { return false }
        if Self.exists(next) { try rename(next, old) }
        return stopAfter != .setAside
    }

    /// The second half of `adopt`.
    func deleteOld(stopAfter: Step? = nil) throws(ShardError) -> Bool {
        if unlink(old + "/data.mdb") != 0, errno != ENOENT { throw fault("cannot remove data.mdb", old) }
        if stopAfter == .removeData { return false }
        try Self.remove(old)
        return true
    }

    /// The live directory and the next one change places. Afterwards the next one, if there is one, is what was live.
    private func exchange() throws(ShardError) {
        guard Self.exists(live) else { return try rename(next, live) }
        if exchange_paths(next, live) == 0 { return }
        guard errno == EINVAL || errno == ENOSYS else { throw fault("cannot be exchanged with \(next)", live) }
        // A file system without the exchange: between these two, `recover` brings the old one back.
        try rename(live, old)
        try rename(next, live)
    }

    private func syncStore() throws(ShardError) {
        let code = Environment.syncDirectory(store)
        if code != 0 { throw Self.fault("cannot be synced", store, code: code) }
    }

    private func rename(_ from: String, _ to: String) throws(ShardError) {
        if Glibc.rename(from, to) != 0 { throw fault("cannot be renamed to \(to)", from) }
    }

    private func fault(_ what: String, _ path: String) -> ShardError { Self.fault(what, path) }
    private static func fault(_ what: String, _ path: String, code: Int32 = errno) -> ShardError {
        .file("\(what): \(String(cString: strerror(code))); check owner, mode and free space", directory: path)
    }

    /// Deletes the files of a directory, the data first, so that what is left is never taken for a generation.
    static func empty(_ path: String) throws(ShardError) {
        for name in ["data.mdb"] + entries(of: path) where unlink(path + "/" + name) != 0 && errno != ENOENT {
            throw fault("cannot remove \(name)", path)
        }
    }

    /// Deletes a directory of files. Nothing there is fine.
    static func remove(_ path: String) throws(ShardError) {
        guard exists(path) else { return }
        try empty(path)
        if rmdir(path) != 0, errno != ENOENT { throw fault("cannot be removed", path) }
    }

    /// Makes the directory of the next generation, and the store's with its parents.
    func createNext() throws(ShardError) {
        if let failure = Self.makeDirectory(store) { throw Self.fault("cannot be made", failure.path, code: failure.code) }
        if mkdir(next, 0o750) != 0, errno != EEXIST { throw fault("cannot be made", next) }
    }

    /// Makes a directory and its parents. What could not be made, with the `errno`; nil: it is there.
    static func makeDirectory(_ path: String) -> (path: String, code: Int32)? {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += part
            if mkdir(prefix, 0o750) != 0 {
                let code = errno
                if !exists(prefix) { return (prefix, code) }
            }
            prefix += "/"
        }
        return nil
    }
}
