internal import NIOCore

/// The nine bytes before every frame (RFC 9113, section 4.1).
struct FrameHead {
    static let byteCount = 9
    /// Largest payload either side may send: what every implementation takes, and we ask for no more.
    static let maxPayload = 16_384

    let length: Int
    /// Nil for kinds we do not know; those are passed over.
    let kind: FrameKind?
    let flags: FrameFlags
    let stream: UInt32

    /// `bytes` has nine at least.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        let first = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        length = Int(first >> 8)
        kind = FrameKind(rawValue: UInt8(truncatingIfNeeded: first))
        flags = FrameFlags(rawValue: bytes[4])
        stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 5, as: UInt32.self)) & 0x7fff_ffff
    }
}

enum FrameKind: UInt8 {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
}

struct FrameFlags: OptionSet {
    let rawValue: UInt8
    static let endStream = FrameFlags(rawValue: 0x1)
    /// The same bit, of SETTINGS and PING.
    static let acknowledgement = FrameFlags(rawValue: 0x1)
    static let endHeaders = FrameFlags(rawValue: 0x4)
    static let padded = FrameFlags(rawValue: 0x8)
    static let priority = FrameFlags(rawValue: 0x20)
}

/// RFC 9113, section 7.
package enum HTTP2Code: UInt32, Sendable {
    case noError, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError, refusedStream
    case cancel, compressionError, connectError, enhanceYourCalm
}

/// What ends a connection.
package struct HTTP2Failure: Error, Equatable {
    package let code: HTTP2Code
    package let text: String

    init(_ code: HTTP2Code, _ text: String) {
        self.code = code
        self.text = text
    }
}

/// The identifiers of SETTINGS that we read or send.
enum HTTP2Setting {
    static let headerTableSize: UInt16 = 1
    static let enablePush: UInt16 = 2
    static let maxConcurrentStreams: UInt16 = 3
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5
    static let maxHeaderListSize: UInt16 = 6
}

extension ByteBuffer {
    @inline(__always)
    mutating func writeFrameHead(_ kind: FrameKind, _ flags: FrameFlags = [], stream: UInt32, length: Int) {
        writeMultipleIntegers(UInt32(truncatingIfNeeded: length) << 8 | UInt32(kind.rawValue), flags.rawValue, stream)
    }

    mutating func writeWindowUpdate(stream: UInt32, by count: Int) {
        writeFrameHead(.windowUpdate, stream: stream, length: 4)
        writeInteger(UInt32(count))
    }

    mutating func writeReset(stream: UInt32, _ code: HTTP2Code) {
        writeFrameHead(.reset, stream: stream, length: 4)
        writeInteger(code.rawValue)
    }

    mutating func writeGoAway(lastStream: UInt32, _ code: HTTP2Code, _ text: String = "") {
        writeFrameHead(.goAway, stream: 0, length: 8 + text.utf8.count)
        writeMultipleIntegers(lastStream, code.rawValue)
        writeString(text)
    }
}
