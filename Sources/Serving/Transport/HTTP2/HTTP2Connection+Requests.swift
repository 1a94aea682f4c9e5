internal import Serving

extension HTTP2Connection {
    func receiveHeaders(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard head.stream % 2 == 1 else { throw HTTP2Failure(.protocolError, "HEADERS of stream \(head.stream)") }
        var block = try unpadded(head, payload)
        if head.flags.contains(.priority) {
            guard block.count >= 5 else { throw HTTP2Failure(.frameSizeError, "HEADERS without the priority they announce") }
            block = UnsafeRawBufferPointer(rebasing: block[5...])
        }
        let endsStream = head.flags.contains(.endStream)
        if head.flags.contains(.endHeaders) { return try headComplete(head.stream, block, endsStream: endsStream) }
        gathering = (head.stream, endsStream, Array(block), 1, turn.began)
    }

    func receiveContinuation(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard var held = gathering.take(), held.stream == head.stream else {
            throw HTTP2Failure(.protocolError, "CONTINUATION of another stream")
        }
        held.block += payload
        held.frames += 1
        // Empty frames cost nothing to send and must not go on for ever.
        guard held.block.count <= limits.maxHeaderBytes, held.frames <= 16 else {
            throw HTTP2Failure(.enhanceYourCalm, "a header block without end")
        }
        guard head.flags.contains(.endHeaders) else { return gathering = held }
        let failure: HTTP2Failure? = held.block.withUnsafeBytes { block in
            do throws(HTTP2Failure) { try headComplete(held.stream, block, endsStream: held.endsStream) } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }

    private func headComplete(_ id: UInt32, _ block: UnsafeRawBufferPointer, endsStream: Bool) throws(HTTP2Failure) {
        guard id > lastStream else {
            // Trailers, or of a stream that is over: either way only the table of fields matters.
            try decoder.skip(block)
            guard let stream = streams[id], !stream.isRequestOver else { return }
            guard endsStream else { return reset(stream, .protocolError) }
            return requestComplete(stream, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        let request = try decoder.request(block)
        // What comes after we have left is not ours; the client asks elsewhere.
        if leaving == .begun { return }
        lastStream = id
        guard let request else {
            noteReset()
            return output.writeReset(stream: id, .protocolError)
        }
        guard streams.count < limits.maxStreams else { return output.writeReset(stream: id, .refusedStream) }
        let stream = HTTP2Stream(id: id, request: request, window: peerInitialWindow, now: turn.began)
        streams[id] = stream
        if endsStream {
            requestComplete(stream, UnsafeRawBufferPointer(start: nil, count: 0))
        } else if let length = request.contentLength, length > limits.maxBodyBytes {
            refuse(stream, .bodyTooLarge(limit: limits.maxBodyBytes))
        }
    }

    func receiveData(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard head.stream != 0 else { throw HTTP2Failure(.protocolError, "DATA of no stream") }
        guard payload.count <= receiveWindow else { throw HTTP2Failure(.flowControlError, "more DATA than the connection's window") }
        receiveWindow -= payload.count
        unannounced += payload.count
        if unannounced >= limits.connectionWindow / 4 {
            output.writeWindowUpdate(stream: 0, by: unannounced)
            receiveWindow += unannounced
            unannounced = 0
        }
        if payload.isEmpty, !head.flags.contains(.endStream) { noteControl() }
        let bytes = try unpadded(head, payload)
        guard let stream = streams[head.stream], !stream.isRequestOver else {
            guard head.stream <= lastStream || leaving == .begun else { throw HTTP2Failure(.protocolError, "DATA of a stream that is not open") }
            return
        }
        stream.received += payload.count
        guard stream.received <= limits.initialWindow else { return reset(stream, .flowControlError) }
        if head.flags.contains(.endStream) { return requestComplete(stream, bytes) }
        stream.body += bytes
        heldBytes += bytes.count
        if stream.body.count > limits.maxBodyBytes {
            refuse(stream, .bodyTooLarge(limit: limits.maxBodyBytes))
        } else if heldBytes > limits.maxHeldBytes {
            refuse(stream, .overloaded("the requests of this connection are larger than \(limits.maxHeldBytes) bytes together"))
        }
    }

    /// - Parameter last: the end of the body, which is all of it when nothing was kept.
    private func requestComplete(_ stream: HTTP2Stream, _ last: UnsafeRawBufferPointer) {
        stream.isRequestOver = true
        heldBytes -= stream.body.count
        let count = stream.body.count + last.count
        if count > limits.maxBodyBytes { return refuse(stream, .bodyTooLarge(limit: limits.maxBodyBytes)) }
        if let length = stream.request.contentLength, length != count { return reset(stream, .protocolError) }
        if queuedBytes > limits.maxQueuedBytes {
            return refuse(stream, .overloaded("the answers that this client has not read are larger than \(limits.maxQueuedBytes) bytes"))
        }
        if stream.body.isEmpty { return answer(stream, last) }
        stream.body += last
        let body = stream.body
        stream.body = []
        body.withUnsafeBytes { answer(stream, $0) }
    }

    private func answer(_ stream: HTTP2Stream, _ body: UnsafeRawBufferPointer) {
        let answer = responder.answer(stream.request, body: body, turn: turn) {
            let exchange = exchange(stream.id)
            stream.exchange = exchange
            return exchange
        }
        if let answer { send(answer, on: stream) }
    }

    /// Answers before the request has ended; what still comes of it is thrown away.
    func refuse(_ stream: HTTP2Stream, _ problem: LookupProblem) {
        if !stream.isRequestOver { heldBytes -= stream.body.count }
        let wasOver = stream.isRequestOver
        stream.isRequestOver = true
        stream.body = []
        send(responder.refuse(stream.request, problem), on: stream)
        if !wasOver { output.writeReset(stream: stream.id, .noError) }
    }
}
