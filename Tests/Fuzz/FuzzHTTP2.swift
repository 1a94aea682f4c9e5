/// HTTP/2 frames and HPACK. The first byte says in what parts the rest comes, the second whether it follows a preface.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count >= 2, let data else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data + 2, count: count - 2))
    let begins = data[1] & 3 == 0 ? [] : ConnectionTarget.preface + ConnectionTarget.frame(4)
    ConnectionTarget.run(begins + bytes, parts: data[0] == 0 ? .max : Int(data[0]))
    return 0
}
