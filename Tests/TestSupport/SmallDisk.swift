import Foundation

/// A file system of a few MB in memory, for tests that fill it; unmounted when the object goes. Mounting takes root.
public final class SmallDisk: Sendable {
    public let path: String
    private let directory = TemporaryDirectory()

    /// Whether this process may mount at all, tried once.
    public static let isPermitted = (try? SmallDisk(megabytes: 1)) != nil
    public static let reason: String = "mounting a tmpfs is not permitted here: run as root"

    public struct NotMounted: Error {}

    public init(megabytes: Int) throws {
        path = directory.path + "/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "millrace-test", path) else { throw NotMounted() }
    }

    deinit { _ = Self.run("umount", "--lazy", path) }

    /// Takes all of the free space but `leaving` bytes, with a file that `release` removes.
    public func fill(leaving: Int = 0) throws {
        guard FileManager.default.createFile(atPath: ballast, contents: nil), let file = FileHandle(forWritingAtPath: ballast) else {
            throw NotMounted()
        }
        let page = Data(count: 4096)
        while freeBytes - leaving >= page.count { try file.write(contentsOf: page) }
        try file.close()
    }

    /// Cut off before it is removed: a process that another test has started meanwhile may have inherited the file, and would keep its pages.
    public func release() throws {
        guard truncate(ballast, 0) == 0 else { throw NotMounted() }
        try FileManager.default.removeItem(atPath: ballast)
    }

    public var freeBytes: Int {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue ?? 0
    }

    private var ballast: String { path + "/ballast" }

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
