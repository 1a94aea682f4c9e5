public import JSONBytes

extension LookupProblem: JSONWritable {
    /// RFC 9457 problem details, with the remedy as an extension member.
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "urn:millrace:problem:" + slug)
        json.member("title", title)
        json.key("status")
        json.int(Int64(httpStatus))
        json.member("detail", detail)
        json.member("remedy", remedy)
        json.endObject()
    }
}

extension Readiness: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("ready")
        json.bool(isReady)
        json.key("missing")
        json.strings(missing)
        json.endObject()
    }
}
