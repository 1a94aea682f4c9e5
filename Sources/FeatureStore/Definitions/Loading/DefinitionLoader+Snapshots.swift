/// `snapshots:`
extension DefinitionLoader {
    func readSnapshots(_ node: YAMLNode?) -> SnapshotSettings? {
        let before = faults.count
        let section = settings(node, "snapshots", keys: ["directory", "every", "keep"])
        // No mapping at all is one fault, not two.
        guard faults.count == before || !section.entries.isEmpty, node != nil || !section.entries.isEmpty else { return nil }
        let remedy = "add `directory: ...`, where the snapshots go; a disk of its own is best"
        guard let directoryNode = required(section, "directory", remedy), let directory = string(directoryNode, "directory") else { return nil }
        // A variable's path is the shell's: relative to the current directory.
        var snapshots = SnapshotSettings(directory: directoryNode.place.variable == nil ? resolve(directory) : directory)
        if let node = section["every"] {
            snapshots.every = duration(node, "every", in: .seconds(1)...(.days(366))) ?? snapshots.every
        }
        if let node = section["keep"] { snapshots.keep = integer(node, "keep", in: 1...10_000) ?? snapshots.keep }
        return snapshots
    }
}
