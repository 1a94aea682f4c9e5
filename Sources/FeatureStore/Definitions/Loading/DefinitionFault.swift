/// One thing that is wrong with the definitions: where, what, and what would be right.
public struct DefinitionFault: Sendable, Equatable, CustomStringConvertible {
    /// The file, or the name of an environment variable.
    public var file: String
    /// From 1; 0 when the fault has no place in the file (an environment variable, a file that cannot be read).
    public var line: Int
    /// From 1, in Unicode scalars; 0 with line 0.
    public var column: Int
    public var message: String
    public var remedy: String

    public init(file: String, line: Int, column: Int, message: String, remedy: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.remedy = remedy
    }

    /// `file:line:column: error: message`, as compilers write it, and the remedy on a line of its own.
    public var description: String {
        let place = line == 0 ? file : "\(file):\(line):\(column)"
        return "\(place): error: \(message)\n  \(remedy)"
    }
}

/// Everything that is wrong with the definitions, in the order of the file; the environment's faults come last.
public struct DefinitionFaults: Error, Sendable, CustomStringConvertible {
    public var faults: [DefinitionFault]
    public init(faults: [DefinitionFault]) { self.faults = faults }

    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
