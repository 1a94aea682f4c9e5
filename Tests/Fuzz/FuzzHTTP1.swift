internal import FeatureStore
internal import Serving

/// Heads of HTTP/1.1 requests, as they are parsed in place, and what their targets ask.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: data, count: count)
    switch PlainRequest.parse(bytes) {
    case .incomplete: break
    case .unusual: break
    case .plain(let request):
        guard request.headBytes <= count, request.targetStart < request.targetEnd, request.targetEnd < request.headBytes,
            request.acceptStart <= request.acceptEnd, request.acceptEnd < request.headBytes, request.bodyBytes >= 0
        else { fatalError("a part of the request lies outside of it: \(request)") }
        // The same head in any number of parts is the same request.
        for part in [1, request.headBytes / 2, request.headBytes - 1] where part > 0 {
            guard PlainRequest.parse(UnsafeRawBufferPointer(rebasing: bytes[..<part])) == .incomplete else {
                fatalError("the first \(part) bytes of a plain request are not incomplete")
            }
        }
        guard PlainRequest.parse(UnsafeRawBufferPointer(rebasing: bytes[..<request.headBytes])) == .plain(request) else {
            fatalError("what follows a head changes it")
        }
        ask(UnsafeRawBufferPointer(rebasing: bytes[request.targetStart..<request.targetEnd]))
    }
    ask(bytes)
    return 0
}

private func ask(_ bytes: UnsafeRawBufferPointer) {
    if let plain = EntityTarget(bytes) {
        guard plain.service.count + plain.key.count + 23 == bytes.count else { fatalError("a target in place has other parts") }
    }
    let target = RequestTarget(String(decoding: bytes, as: UTF8.self))
    guard target.segments.count <= 6 else { fatalError("\(target.segments.count) segments") }
    var request = LookupRequest(.service("s"), keys: ["k"])
    try? target.lookupParameters(into: &request)
    var query = Explanation.Query(feature: "f", key: "k", entity: nil)
    _ = try? target.explainParameters(into: &query)
    try? target.noParameters()
    for segment in target.segments { _ = percentDecoded(segment) }
}
