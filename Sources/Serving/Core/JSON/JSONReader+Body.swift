internal import JSONBytes

/// Values of a request's body, each told by name when it is not what it should be.
extension JSONReader {
    /// Reads a body. What is no JSON is told with its place.
    static func body<R>(_ bytes: UnsafeRawBufferPointer, _ read: (inout JSONReader) throws -> R) throws(LookupProblem) -> R {
        var reader = JSONReader(bytes)
        do {
            let result = try read(&reader)
            try reader.finish()
            return result
        } catch let problem as LookupProblem {
            throw problem
        } catch let error as JSONError {
            throw .body("\(error.problem)", at: error.position)
        } catch {
            throw .body("\(error)", at: reader.position)
        }
    }

    mutating func object(_ what: String) throws {
        guard try kind(orElse: "\(what) is not an object") == .object else { throw LookupProblem.body("\(what) is not an object", at: position) }
        try beginObject()
    }

    /// Nil: null.
    mutating func text(_ what: String) throws -> String? {
        switch try kind(orElse: "\(what) is not a string") {
        case .string:
            let string = try readString()
            guard let text = string.text() else { throw LookupProblem.body("\(JSONError.Problem.badEscape)", at: string.position) }
            return text
        case .null:
            try readNull()
            return nil
        default: throw LookupProblem.body("\(what) is not a string", at: position)
        }
    }

    mutating func texts(_ name: String, limit: Int, tooMany: LookupProblem) throws -> [String]? {
        let kind = try kind(orElse: "\"\(name)\" is not an array")
        if kind == .null {
            try readNull()
            return nil
        }
        guard kind == .array else { throw LookupProblem.body("\"\(name)\" is not an array", at: position) }
        try beginArray()
        var texts: [String] = []
        while try nextElement() {
            if texts.count == limit { throw tooMany }
            let what = "\"\(name)\"[\(texts.count)]"
            guard let text = try text(what) else { throw LookupProblem.body("\(what) is not a string", at: position) }
            texts.append(text)
        }
        return texts
    }

    mutating func integer(_ what: String) throws -> Int64 {
        guard try kind(orElse: "\(what) is not a number") == .number else { throw LookupProblem.body("\(what) is not a number", at: position) }
        let start = position
        let text = String(decoding: try readNumber(), as: UTF8.self)
        if let value = Int64(text) { return value }
        throw LookupProblem.body("\(what) \(text.contains { ".eE".contains($0) } ? "is not a whole number" : "does not fit in 64 bits")", at: start)
    }

    /// Of the next value; a byte that begins none is told in the words of what was expected.
    private mutating func kind(orElse what: String) throws -> JSONKind {
        do throws(JSONError) {
            return try peek()
        } catch {
            throw error.problem == .unexpectedByte ? LookupProblem.body(what, at: error.position) : LookupProblem.body("\(error.problem)", at: error.position)
        }
    }
}

extension LookupProblem {
    /// - Parameter what: a clause, as in `"keys" is not an array`.
    static func body(_ what: String, at position: Int) -> LookupProblem {
        LookupProblem(.badJSON, detail: "At byte \(position): \(what).", remedy: "/openapi.yaml has the body's shape.")
    }
}
