internal import FeatureStore
internal import Serving
internal import TestSupport

/// JSON bodies of lookups, pushes and erasures, of ours and of Feast; and the times, durations and positions that are text. The first byte says which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count >= 1, let data else { return 0 }
    let body = UnsafeRawBufferPointer(start: data + 1, count: count - 1)
    switch data[0] % 7 {
    case 0:
        if let request = try? LookupRequest(json: body, maxKeys: 16) {
            guard request.keys.count <= 16 else { fatalError("\(request.keys.count) keys") }
            if request.minPosition.isEmpty { _ = try? service.lookup(request).get().json() }
        }
    case 1: _ = try? PushRequest(json: body, view: "scores", definitions: definitions)
    case 2: _ = try? PushRequest(feast: body, definitions: definitions)
    case 3:
        if let request = try? FeastRequest(json: body, maxRows: 16) {
            guard request.rowCount <= 16 else { fatalError("\(request.rowCount) rows") }
            _ = try? service.feast(request).json()
        }
    case 4:
        let text = String(decoding: body, as: UTF8.self)
        _ = try? LookupRequest.asOf(text: text)
        _ = try? LookupRequest.maxStaleness(text: text)
        _ = try? LookupRequest.minPosition(text: text)
    case 5:
        let text = String(decoding: body, as: UTF8.self)
        var query = Explanation.Query(feature: text, key: text, entity: nil)
        query.service = text
        _ = try? service.explain(query).get()
    default: _ = try? EraseRequest(json: body, definitions: definitions)
    }
    return 0
}

nonisolated(unsafe) private let service = LookupDouble(maxKeys: 16).service
nonisolated(unsafe) private let definitions: Definitions = {
    let yaml = """
        version: 1
        name: fuzz
        entities: {customer: {description: c}}
        pushed:
          scores:
            entity: customer
            topic: scores
            features:
              score: {type: double}
              grade: {type: decimal, scale: 2}
              name: {type: string}
              count: {type: int64}
              yes: {type: bool}
        """
    do { return try Definitions.load(yaml: yaml, file: "fuzz.yaml") } catch { fatalError("\(error)") }
}()
