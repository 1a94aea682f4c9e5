internal import FeatureStore
internal import Serving

extension LookupRequest {
    /// Reads `millrace.serving.v1.LookupRequest`. Fields it does not know are skipped, as Protobuf asks.
    ///
    /// - Parameter maxKeys: reading stops there, so that a message of a million keys costs nothing.
    init(protobuf bytes: UnsafeRawBufferPointer, maxKeys: Int) throws(LookupProblem) {
        var service = ""
        var features: [String] = []
        var keys: [String] = []
        var asOf: Int64?
        var maxStaleness: Int64?
        var minPosition = ""
        var inputs: [String: GivenInput] = [:]
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): service = try reader.string()
                case (2, .bytes) where features.count <= Self.maxFeatures: features.append(try reader.string())
                case (3, .bytes) where keys.count <= maxKeys: keys.append(try reader.string())
                case (4, .varint): asOf = Int64(bitPattern: try reader.varint())
                case (6, .bytes): minPosition = try reader.string()
                case (10, .bytes) where inputs.count <= Self.maxFeatures: try inputs.readEntry(&reader)
                case (5, .varint): maxStaleness = Int64(bitPattern: try reader.varint())
                default: try reader.skip(field.type)
                }
            }
        } catch {
            throw LookupProblem(error, "a LookupRequest")
        }
        if service.isEmpty == features.isEmpty {
            throw LookupProblem(
                .badRequest, detail: service.isEmpty ? "The request names neither a service nor features." : "The request names a service and features.",
                remedy: "Give exactly one of service and features.")
        }
        self.init(service.isEmpty ? .features(features) : .service(service), keys: keys, asOf: asOf, maxStaleness: maxStaleness)
        self.inputs = inputs
        if !minPosition.isEmpty { self.minPosition = try Self.minPosition(text: minPosition) }
    }
}

/// `millrace.serving.v1.LookupPackedRequest`.
struct PackedLookupRequest: Sendable {
    let lookup: LookupRequest
    let element: PackedElement

    init(protobuf bytes: UnsafeRawBufferPointer, maxKeys: Int) throws(LookupProblem) {
        var inner = UnsafeRawBufferPointer(start: nil, count: 0)
        var element = PackedElement.float64
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): inner = try reader.message().bytes
                case (2, .varint):
                    let number = try reader.varint()
                    element = number == 1 ? .float32 : number == 2 ? .int64 : .float64
                default: try reader.skip(field.type)
                }
            }
        } catch {
            throw LookupProblem(error, "a LookupPackedRequest")
        }
        lookup = try LookupRequest(protobuf: inner, maxKeys: maxKeys)
        self.element = element
    }
}
