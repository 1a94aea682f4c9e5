internal import NIOCore

extension HTTP2Connection {
    /// The connection's end: the client learns why, everything under way is given up.
    func fail(_ failure: HTTP2Failure) {
        output.writeGoAway(lastStream: lastStream, failure.code, failure.text)
        isOver = true
        abandon()
    }

    /// The client is gone.
    package func abandon() {
        for stream in streams.values { stream.exchange?.cancel() }
        streams = [:]
        gathering = nil
        (heldBytes, queuedBytes) = (0, 0)
    }

    func reset(_ stream: HTTP2Stream, _ code: HTTP2Code) {
        output.writeReset(stream: stream.id, code)
        // A client may as well make us take its requests back as do it itself.
        noteReset()
        drop(stream)
    }

    /// A request ended before its answer did.
    func noteReset() { Self.count(&resets, turn.began) }

    /// A frame that brings nothing.
    func noteControl() { Self.count(&controls, turn.began) }

    private static func count(_ counter: inout (count: Int, since: Int64), _ now: Int64) {
        if now > counter.since &+ 10_000_000_000 { counter = (0, now) }
        counter.count += 1
    }

    /// What is kept for this client: bodies that are not complete, answers that it has not read.
    package var keptBytes: Int { heldBytes + queuedBytes + (gathering?.block.count ?? 0) }

    /// The process keeps too much: what this connection adds to it goes.
    package func shed() {
        for stream in streams.values {
            if !stream.isRequestOver, !stream.body.isEmpty {
                refuse(stream, .overloaded("the requests under way are larger than this server has room for"))
            } else if stream.queue.readableBytes > 0 {
                reset(stream, .enhanceYourCalm)
            }
        }
    }

    private func drop(_ stream: HTTP2Stream) {
        if !stream.isRequestOver { heldBytes -= stream.body.count }
        close(stream)
    }

    func receiveReset(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard payload.count == 4 else { throw HTTP2Failure(.frameSizeError, "RST_STREAM of \(payload.count) bytes") }
        guard head.stream != 0, head.stream <= lastStream || leaving == .begun else {
            throw HTTP2Failure(.protocolError, "RST_STREAM of a stream that is not open")
        }
        guard let stream = streams[head.stream] else { return }
        drop(stream)
        noteReset()
    }

    // MARK: Time limits

    /// Whether anything waits for the client: then `endSlow` is due after a while.
    package var waitsForClient: Bool { streams.values.contains { $0.waitsForClient } || gathering != nil }

    /// Ends the streams that wait for their client since `limit` or longer.
    package func endSlow(since limit: Int64) {
        if let gathering, gathering.since <= limit {
            slowStreams += 1
            return fail(HTTP2Failure(.enhanceYourCalm, "a header block that does not end"))
        }
        for stream in streams.values where stream.waitsForClient && stream.waitsSince <= limit {
            slowStreams += 1
            reset(stream, .cancel)
        }
    }

    // MARK: Leaving

    /// Begins a graceful end: the client is told, and a ping says when it has heard it. Answers that stay open end now.
    package func announceLeaving() {
        guard leaving == .no, !isOver else { return }
        leaving = .announced
        output.writeGoAway(lastStream: 0x7fff_ffff, .noError)
        output.writeFrameHead(.ping, stream: 0, length: 8)
        output.writeInteger(0x6d69_6c6c_7261_6365 as UInt64)
        for stream in streams.values where stream.staysOpen { end(stream) }
    }

    /// From here on no request is taken, and the connection ends with the last answer.
    package func beginLeaving() {
        guard leaving != .begun, !isOver else { return }
        leaving = .begun
        output.writeGoAway(lastStream: lastStream, .noError)
        leaveIfDone()
    }

    func leaveIfDone() {
        if leaving == .begun, streams.isEmpty { isOver = true }
    }
}
