internal import JSONBytes

extension JSONReader {
    /// Reads the members of a Feast request's body. What is wrong with it is told as FastAPI would.
    static func feastBody(
        _ bytes: UnsafeRawBufferPointer, _ member: (_ name: String, inout JSONReader) throws -> Void
    ) throws(FeastProblem) {
        var reader = JSONReader(bytes)
        do {
            guard try reader.peek() == .object else { throw FeastProblem.body("model_attributes_type", at: [], "Input should be a valid dictionary") }
            try reader.beginObject()
            while let key = try reader.nextKey() { try member(key.text() ?? "", &reader) }
            try reader.finish()
        } catch let problem as FeastProblem {
            throw problem
        } catch {
            let error = error as? JSONError
            throw .body("json_invalid", at: ["\(error?.position ?? 0)"], "JSON decode error: \(error.map { "\($0)" } ?? "")")
        }
    }
}
