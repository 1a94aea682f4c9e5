internal import NIOCore

/// A field of an answer.
package enum AnswerField: Sendable, Equatable {
    case known(Known)
    /// The name in lower case; both in ASCII.
    case literal(name: String, value: String)

    /// Fields of nearly every answer: sent in full once a connection, and as one byte from then on.
    package enum Known: Int, Sendable, CaseIterable {
        case grpcType, grpcOK, jsonType

        var name: StaticString { self == .grpcOK ? "grpc-status" : "content-type" }
        var value: StaticString {
            switch self {
            case .grpcType: "application/grpc"
            case .grpcOK: "0"
            case .jsonType: "application/json"
            }
        }
    }
}

/// Header blocks of answers (RFC 7541), without Huffman codes: what is long is sent once.
struct FieldEncoder {
    /// When each known field came into the dynamic table, counted from 1; 0: not yet.
    private var entered: InlineArray<3, Int> = .init(repeating: 0)
    private var entries = 0
    private var mayIndex = true
    private var mustShrink = false

    /// The client's HEADER_TABLE_SIZE. The known fields need 150 bytes; one that grants less than the usual 4,096 gets no index at all.
    mutating func tableSizeChanged(to bytes: UInt32) {
        guard bytes < 4_096, mayIndex else { return }
        mayIndex = false
        mustShrink = true
    }

    /// A HEADERS frame. Fields must fit into it: callers bound their texts.
    mutating func write(status: Int?, _ fields: [AnswerField], stream: UInt32, isLast: Bool, to output: inout ByteBuffer) {
        let start = output.writerIndex
        output.writeFrameHead(.headers, isLast ? [.endHeaders, .endStream] : .endHeaders, stream: stream, length: 0)
        if mustShrink {
            output.writeInteger(0x20 as UInt8)
            mustShrink = false
        }
        if let status { write(status: status, to: &output) }
        for field in fields {
            switch field {
            case .known(let known): write(known, to: &output)
            case .literal(let name, let value):
                output.writeInteger(0 as UInt8)
                write(text: name, to: &output)
                write(text: value, to: &output)
            }
        }
        let length = output.writerIndex - start - FrameHead.byteCount
        output.setInteger(UInt32(length) << 8 | UInt32(FrameKind.headers.rawValue), at: start)
    }

    private func write(status: Int, to output: inout ByteBuffer) {
        // The static table has these; 8 is the first of its entries of that name.
        switch status {
        case 200: output.writeInteger(0x88 as UInt8)
        case 400: output.writeInteger(0x8c as UInt8)
        case 404: output.writeInteger(0x8d as UInt8)
        case 500: output.writeInteger(0x8e as UInt8)
        default:
            output.writeInteger(8 as UInt8)
            write(text: String(status), to: &output)
        }
    }

    private mutating func write(_ known: AnswerField.Known, to output: inout ByteBuffer) {
        if entered[known.rawValue] > 0 {
            output.writeInteger(0x80 | UInt8(62 + entries - entered[known.rawValue]))
            return
        }
        if mayIndex {
            entries += 1
            entered[known.rawValue] = entries
        }
        output.writeInteger(mayIndex ? 0x40 : 0 as UInt8)
        write(text: known.name, to: &output)
        write(text: known.value, to: &output)
    }

    private func write(text: String, to output: inout ByteBuffer) {
        write(length: text.utf8.count, to: &output)
        output.writeString(text)
    }

    private func write(text: StaticString, to output: inout ByteBuffer) {
        write(length: text.utf8CodeUnitCount, to: &output)
        output.writeStaticString(text)
    }

    /// Of a string that is not Huffman-coded: seven bits, then groups of seven.
    private func write(length: Int, to output: inout ByteBuffer) {
        if length < 127 { return _ = output.writeInteger(UInt8(length)) }
        output.writeInteger(127 as UInt8)
        var rest = length - 127
        while rest >= 128 {
            output.writeInteger(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        output.writeInteger(UInt8(rest))
    }
}
