package import NIOCore
internal import Serving

/// The server's side of an HTTP/2 connection (RFC 9113): bytes in, bytes out, no channel.
///
/// Written for calls of a few µs: a request is answered while its bytes are read, answers gather in `output` until the read is over, and a
/// request that is like the one before it costs no decoding of its head. All that a client can make grow is bounded by `HTTP2Limits`.
///
/// Belongs to one event loop. What is in which file: this one reads frames; `+Requests` opens streams and takes bodies; `+Answers` sends;
/// `+Control` has settings, windows and pings; `+Ending` resets, time limits and the way out.
package final class HTTP2Connection {
    let responder: any HTTP2Responder
    let limits: HTTP2Limits
    let turn: LoopTurn
    /// Makes the exchange of a stream that is answered later.
    let exchange: (_ stream: UInt32) -> HTTP2Exchange

    /// What is to be sent.
    package var output: ByteBuffer
    /// Nothing is read any more; close when `output` is sent.
    package internal(set) var isOver = false
    /// Requests that were ended because their client was too slow.
    package internal(set) var slowStreams = 0

    var hasGreeted = false
    var streams: [UInt32: HTTP2Stream] = [:]
    var lastStream: UInt32 = 0
    var decoder: FieldDecoder
    var encoder = FieldEncoder()
    /// A header block that comes in several frames; nothing else may come in between.
    var gathering: (stream: UInt32, endsStream: Bool, block: [UInt8], frames: Int, since: Int64)?

    var sendWindow = 65_535
    var peerInitialWindow = 65_535
    var receiveWindow: Int
    /// Received since the window was last opened.
    var unannounced = 0
    var heldBytes = 0
    var queuedBytes = 0
    var resets = (count: 0, since: Int64.min)
    var controls = (count: 0, since: Int64.min)
    var leaving = Leaving.no

    enum Leaving {
        case no
        /// The client was told that we are leaving; requests that crossed that message are still taken.
        case announced
        /// No new requests.
        case begun
    }

    package init(
        responder: any HTTP2Responder, limits: HTTP2Limits, turn: LoopTurn, peer: Peer = Peer(nil, nil), exchange: @escaping (_ stream: UInt32) -> HTTP2Exchange
    ) {
        self.responder = responder
        self.limits = limits
        self.turn = turn
        self.exchange = exchange
        decoder = FieldDecoder(maxListBytes: limits.maxHeaderBytes, peer: peer)
        receiveWindow = limits.connectionWindow
        output = ByteBuffer()
        output.reserveCapacity(4096)
        greet()
    }

    /// Reads whole frames. What is left over belongs before the next bytes.
    ///
    /// - Returns: how many bytes were read.
    package func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        var at = 0
        do throws(HTTP2Failure) {
            if !hasGreeted {
                switch HTTP2Preface.match(bytes) {
                case .none: throw HTTP2Failure(.protocolError, "this port speaks HTTP/2")
                case .part: return 0
                case .whole: hasGreeted = true
                }
                at = HTTP2Preface.count
            }
            while bytes.count - at >= FrameHead.byteCount, !isOver {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
                let head = FrameHead(rest)
                guard head.length <= FrameHead.maxPayload else { throw HTTP2Failure(.frameSizeError, "a frame of \(head.length) bytes") }
                let end = FrameHead.byteCount + head.length
                guard rest.count >= end else { break }
                try receive(head, UnsafeRawBufferPointer(rebasing: rest[FrameHead.byteCount..<end]))
                at += end
                if resets.count > limits.maxResets { throw HTTP2Failure(.enhanceYourCalm, "too many requests are taken back or end in errors") }
                if controls.count > limits.maxControls { throw HTTP2Failure(.enhanceYourCalm, "too many frames that bring nothing") }
            }
        } catch {
            fail(error)
        }
        return at
    }

    private func receive(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        if gathering != nil {
            guard head.kind == .continuation else { throw HTTP2Failure(.protocolError, "a frame inside a header block") }
            return try receiveContinuation(head, payload)
        }
        switch head.kind {
        case .headers: try receiveHeaders(head, payload)
        case .data: try receiveData(head, payload)
        case .settings: try receiveSettings(head, payload)
        case .windowUpdate: try receiveWindowUpdate(head, payload)
        case .ping: try receivePing(head, payload)
        case .reset: try receiveReset(head, payload)
        case .priority:
            guard head.stream != 0 else { throw HTTP2Failure(.protocolError, "PRIORITY of no stream") }
            noteControl()
        case .goAway: noteControl()
        case .continuation, .pushPromise: throw HTTP2Failure(.protocolError, "a frame that may not come here")
        // Frames we do not know are passed over (section 5.5).
        case nil: noteControl()
        }
    }

    /// A frame's payload without padding.
    func unpadded(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) -> UnsafeRawBufferPointer {
        guard head.flags.contains(.padded) else { return payload }
        guard let padding = payload.first, Int(padding) < payload.count else { throw HTTP2Failure(.protocolError, "more padding than frame") }
        return UnsafeRawBufferPointer(rebasing: payload[1..<(payload.count - Int(padding))])
    }
}
