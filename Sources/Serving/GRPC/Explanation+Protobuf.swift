internal import FeatureStore
internal import JSONBytes
internal import Serving

extension Explanation.Query {
    /// Reads `millrace.serving.v1.ExplainRequest`.
    init(protobuf bytes: UnsafeRawBufferPointer) throws(LookupProblem) {
        self.init(feature: "", key: "")
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): feature = try reader.string()
                case (2, .bytes): key = try reader.string()
                case (3, .bytes): entity = try reader.text()
                case (4, .bytes): service = try reader.text()
                case (5, .varint): asOf = Int64(bitPattern: try reader.varint())
                case (6, .varint): maxStaleness = Int64(bitPattern: try reader.varint())
                default: try reader.skip(field.type)
                }
            }
        } catch {
            throw LookupProblem(error, "an ExplainRequest")
        }
        if feature.isEmpty {
            throw LookupProblem(.badRequest, detail: "The request names no feature.", remedy: "Give feature and key.")
        }
    }
}

extension ProtobufReader {
    /// A string; nil when it is empty, which in proto3 is the same as absent.
    fileprivate mutating func text() throws(MalformedMessage) -> String? {
        let text = try string()
        return text.isEmpty ? nil : text
    }
}

extension Explanation {
    /// `millrace.serving.v1.ExplainResponse`.
    func protobuf() -> [UInt8] {
        var out = ProtobufWriter(capacity: 4096)
        out.string(1, entity)
        out.int64(2, asOf)
        out.message(3) { $0.feature(features[0].value) }
        out.string(4, features[0].reason)
        out.set(5, json())
        out.string(6, chart)
        return out.bytes
    }
}
