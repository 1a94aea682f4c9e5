internal import Serving

extension LookupProblem {
    /// - Parameter name: what the message should have been, with its article.
    init(_ error: MalformedMessage, _ name: String, remedy: String = "Use stubs generated from Schemas/millrace/serving/v1/lookup.proto.") {
        self.init(.badRequest, detail: "The message is not \(name): \(error.what) at byte \(error.position).", remedy: remedy)
    }
}
