internal import FeatureStore
internal import Ingest

/// Plain Protobuf events of the shipped click contract.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { targets.decode(data, count) }

nonisolated(unsafe) private let targets = DecoderTarget(
    [DecoderTarget.protobuf(.plain)], descriptorSet: DecoderTarget.file("MILLRACE_DESCRIPTOR_SET"))
