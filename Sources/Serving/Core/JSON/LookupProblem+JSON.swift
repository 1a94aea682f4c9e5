extension LookupProblem {
    /// RFC 9457 problem details, with the remedy as an extension member.
    public func json() -> [UInt8] {
        var out = JSONOutput(capacity: 512)
        out.raw("{\"type\":")
        out.string("urn:millrace:problem:" + slug)
        out.raw(",\"title\":")
        out.string(title)
        out.raw(",\"status\":")
        out.integer(Int64(httpStatus))
        out.raw(",\"detail\":")
        out.string(detail)
        out.raw(",\"remedy\":")
        out.string(remedy)
        out.raw("}")
        return out.bytes
    }
}

extension Readiness {
    public func json() -> [UInt8] {
        var out = JSONOutput(capacity: 256)
        out.raw(isReady ? "{\"ready\":true,\"missing\":" : "{\"ready\":false,\"missing\":")
        out.strings(missing)
        out.raw("}")
        return out.bytes
    }
}
