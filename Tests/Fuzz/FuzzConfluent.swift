internal import FeatureStore
internal import Ingest

/// Protobuf events in the Confluent wire format: the header and what follows it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { targets.decode(data, count) }

nonisolated(unsafe) private let targets = DecoderTarget(
    [DecoderTarget.protobuf(.confluent)], descriptorSet: DecoderTarget.file("MILLRACE_DESCRIPTOR_SET"))
