/// The tree of the names that a stream's paths go through, as it is being built. Scanners flatten it.
///
/// Each path that is read gets one *capture*: the place in a flat array where the scanner puts what it finds. Captures are numbered depth
/// first, so those below a node are a range: forgetting a whole object is one loop.
final class PathNode {
    let name: String
    var children: [PathNode] = []
    var isCaptured = false
    /// Of a Protobuf field.
    var proto: ProtobufField?
    private(set) var capture = -1
    private(set) var captures = 0..<0

    init(name: String, proto: ProtobufField? = nil) {
        self.name = name
        self.proto = proto
    }

    func child(_ name: String) -> PathNode {
        if let known = children.first(where: { $0.name == name }) { return known }
        let child = PathNode(name: name)
        children.append(child)
        return child
    }

    /// Gives out the captures from `next` on.
    func number(from next: inout Int) {
        let first = next
        if isCaptured {
            capture = next
            next += 1
        }
        for child in children { child.number(from: &next) }
        captures = first..<next
    }

    /// All nodes, breadth first: the children of a node follow each other. With each node, the index of its first child.
    func flattened() -> [(node: PathNode, firstChild: Int)] {
        var nodes: [(node: PathNode, firstChild: Int)] = [(self, 0)]
        var at = 0
        while at < nodes.count {
            nodes[at].firstChild = nodes.count
            nodes += nodes[at].node.children.map { ($0, 0) }
            at += 1
        }
        return nodes
    }
}
