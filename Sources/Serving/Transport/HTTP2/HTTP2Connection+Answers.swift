internal import NIOCore

extension HTTP2Connection {
    /// A `Delivery` of the stream's exchange. Nothing happens when the stream is over by now.
    package func deliver(_ delivery: HTTP2Exchange.Delivery, on id: UInt32) {
        guard !isOver, let stream = streams[id] else { return }
        switch delivery {
        case .answer(let answer): send(answer, on: stream)
        case .message(let message):
            guard stream.staysOpen, leaving == .no else { return }
            enqueue(message, isMessage: true, on: stream)
            pump(stream)
        }
    }

    func send(_ answer: HTTP2Answer, on stream: HTTP2Stream) {
        guard !stream.isAnswered else { return }
        stream.isAnswered = true
        let isEmpty = answer.body.isEmpty && !answer.isMessage
        let endsWithHead = isEmpty && answer.trailers == nil && !answer.staysOpen
        encoder.write(status: answer.status, answer.fields, stream: stream.id, isLast: endsWithHead, to: &output)
        if endsWithHead { return close(stream) }
        if !answer.staysOpen, !isEmpty, sendWhole(answer, on: stream) { return close(stream) }
        stream.trailers = answer.trailers
        stream.staysOpen = answer.staysOpen
        if !isEmpty { enqueue(answer.body, isMessage: answer.isMessage, on: stream) }
        if answer.staysOpen, leaving != .no { end(stream) } else { pump(stream) }
    }

    /// The usual answer: one frame of data that both windows have room for. False: it is not of that kind.
    @inline(__always)
    private func sendWhole(_ answer: HTTP2Answer, on stream: HTTP2Stream) -> Bool {
        let count = answer.body.count + (answer.isMessage ? 5 : 0)
        guard count <= FrameHead.maxPayload, count <= sendWindow, count <= stream.window else { return false }
        sendWindow -= count
        output.writeFrameHead(.data, answer.trailers == nil ? .endStream : [], stream: stream.id, length: count)
        if answer.isMessage { output.writeMessagePrefix(answer.body.count) }
        output.writeBytes(answer.body)
        if let trailers = answer.trailers { encoder.write(status: nil, trailers, stream: stream.id, isLast: true, to: &output) }
        return true
    }

    private func enqueue(_ body: [UInt8], isMessage: Bool, on stream: HTTP2Stream) {
        if stream.queue.readableBytes == 0 { stream.waitsSince = turn.began }
        stream.queue.discardReadBytes()
        if isMessage { stream.queue.writeMessagePrefix(body.count) }
        stream.queue.writeBytes(body)
        queuedBytes += body.count + (isMessage ? 5 : 0)
    }

    /// Sends of the stream's answer what the windows have room for.
    func pump(_ stream: HTTP2Stream) {
        while stream.queue.readableBytes > 0 {
            let count = min(stream.queue.readableBytes, FrameHead.maxPayload, sendWindow, stream.window)
            guard count > 0, var part = stream.queue.readSlice(length: count) else { return }
            sendWindow -= count
            stream.window -= count
            queuedBytes -= count
            stream.waitsSince = turn.began
            let isLast = stream.queue.readableBytes == 0 && stream.trailers == nil && !stream.staysOpen
            output.writeFrameHead(.data, isLast ? .endStream : [], stream: stream.id, length: count)
            output.writeBuffer(&part)
        }
        if stream.isAnswered, !stream.staysOpen { end(stream) }
    }

    /// After the last byte of the answer.
    func end(_ stream: HTTP2Stream) {
        if let trailers = stream.trailers { encoder.write(status: nil, trailers, stream: stream.id, isLast: true, to: &output) }
        close(stream)
    }

    /// Larger windows: streams go on in the order in which they were opened.
    func pumpAll() {
        guard queuedBytes > 0 else { return }
        for id in streams.keys.sorted() where sendWindow > 0 {
            if let stream = streams[id], stream.queue.readableBytes > 0 { pump(stream) }
        }
    }

    /// Forgets the stream; what is queued for it is not sent.
    func close(_ stream: HTTP2Stream) {
        queuedBytes -= stream.queue.readableBytes
        stream.exchange?.cancel()
        streams[stream.id] = nil
        leaveIfDone()
    }
}

extension ByteBuffer {
    /// What stands before each message of gRPC: not compressed, and its length.
    fileprivate mutating func writeMessagePrefix(_ count: Int) {
        writeMultipleIntegers(0 as UInt8, UInt32(count))
    }
}
