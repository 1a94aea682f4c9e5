/// `/v1/services/{service}/entities/{key}` without escapes and parameters, in place.
struct EntityTarget {
    let service: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer

    init?(_ target: UnsafeRawBufferPointer) {
        let prefix: StaticString = "/v1/services/", middle: StaticString = "/entities/"
        guard target.has(prefix, at: 0) else { return nil }
        let start = prefix.utf8CodeUnitCount
        guard let slash = target[start...].firstIndex(of: UInt8(ascii: "/")), target.has(middle, at: slash) else { return nil }
        key = UnsafeRawBufferPointer(rebasing: target[(slash + middle.utf8CodeUnitCount)...])
        service = UnsafeRawBufferPointer(rebasing: target[start..<slash])
        for byte in target where byte == UInt8(ascii: "%") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { return nil }
        for byte in key where byte == UInt8(ascii: "/") { return nil }
    }
}
