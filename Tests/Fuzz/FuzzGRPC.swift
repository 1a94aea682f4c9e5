/// Bodies of gRPC calls. The first byte names the method and whether the length before the message is right or part of the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count >= 1, let data else { return 0 }
    var body = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    if data[0] & 0x80 == 0 {
        let length = UInt32(body.count)
        body = [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + body
    }
    let path = paths[Int(data[0] & 0x7f) % paths.count]
    ConnectionTarget.run(
        ConnectionTarget.preface + ConnectionTarget.frame(4)
            + ConnectionTarget.frame(1, flags: 4, stream: 1, payload: ConnectionTarget.head(path))
            + ConnectionTarget.frame(0, flags: 1, stream: 1, payload: body), parts: .max)
    return 0
}

private let paths = [
    "/millrace.serving.v1.FeatureService/Lookup", "/millrace.serving.v1.FeatureService/LookupPacked",
    "/millrace.serving.v1.FeatureService/ListServices", "/millrace.serving.v1.FeatureService/Explain",
    "/millrace.serving.v1.FeatureService/Push", "/feast.serving.ServingService/GetOnlineFeatures", "/GrpcFeatureServer/GetOnlineFeatures",
    "/GrpcFeatureServer/Push", "/GrpcFeatureServer/WriteToOnlineStore", "/grpc.health.v1.Health/Check",
    "/millrace.serving.v1.FeatureService/Erase", "/millrace.serving.v1.FeatureService/GetErasure",
]
