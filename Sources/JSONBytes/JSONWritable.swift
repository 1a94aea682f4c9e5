/// Something that has a form as a JSON document.
public protocol JSONWritable {
    func write(to json: inout JSONWriter)
}

extension JSONWritable {
    /// The document in bytes of its own.
    public func json() -> [UInt8] {
        var json = JSONWriter(reservingBytes: 1024)
        write(to: &json)
        return json.bytes
    }
}
