internal import NIOCore

extension HTTP2Connection {
    /// Our settings, and a window for the connection that is larger than the usual.
    func greet() {
        let settings: [(UInt16, UInt32)] = [
            (HTTP2Setting.maxConcurrentStreams, UInt32(limits.maxStreams)),
            (HTTP2Setting.initialWindowSize, UInt32(limits.initialWindow)),
            (HTTP2Setting.maxHeaderListSize, UInt32(limits.maxHeaderBytes)),
        ]
        output.writeFrameHead(.settings, stream: 0, length: settings.count * 6)
        for (identifier, value) in settings { output.writeMultipleIntegers(identifier, value) }
        output.writeWindowUpdate(stream: 0, by: limits.connectionWindow - 65_535)
    }

    func receiveSettings(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard head.stream == 0 else { throw HTTP2Failure(.protocolError, "SETTINGS of a stream") }
        if head.flags.contains(.acknowledgement) {
            guard payload.isEmpty else { throw HTTP2Failure(.frameSizeError, "an acknowledgement with settings") }
            return
        }
        noteControl()
        guard payload.count % 6 == 0 else { throw HTTP2Failure(.frameSizeError, "SETTINGS of \(payload.count) bytes") }
        for at in stride(from: 0, to: payload.count, by: 6) {
            let identifier = UInt16(bigEndian: payload.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            let value = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: at + 2, as: UInt32.self))
            switch identifier {
            case HTTP2Setting.headerTableSize: encoder.tableSizeChanged(to: value)
            case HTTP2Setting.enablePush:
                guard value <= 1 else { throw HTTP2Failure(.protocolError, "ENABLE_PUSH is \(value)") }
            case HTTP2Setting.initialWindowSize:
                guard value <= 0x7fff_ffff else { throw HTTP2Failure(.flowControlError, "INITIAL_WINDOW_SIZE is \(value)") }
                let change = Int(value) - peerInitialWindow
                peerInitialWindow = Int(value)
                for stream in streams.values { stream.window += change }
            case HTTP2Setting.maxFrameSize:
                guard (16_384...16_777_215).contains(value) else { throw HTTP2Failure(.protocolError, "MAX_FRAME_SIZE is \(value)") }
            default: break
            }
        }
        output.writeFrameHead(.settings, .acknowledgement, stream: 0, length: 0)
        pumpAll()
    }

    func receiveWindowUpdate(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard payload.count == 4 else { throw HTTP2Failure(.frameSizeError, "WINDOW_UPDATE of \(payload.count) bytes") }
        let count = Int(UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)) & 0x7fff_ffff)
        let limit = 0x7fff_ffff
        if count < 64 { noteControl() }
        if head.stream == 0 {
            guard count > 0 else { throw HTTP2Failure(.protocolError, "WINDOW_UPDATE by nothing") }
            sendWindow += count
            guard sendWindow <= limit else { throw HTTP2Failure(.flowControlError, "a window of \(sendWindow) bytes") }
            pumpAll()
        } else if let stream = streams[head.stream] {
            guard count > 0 else { return reset(stream, .protocolError) }
            stream.window += count
            guard stream.window <= limit else { return reset(stream, .flowControlError) }
            pump(stream)
        } else if head.stream > lastStream, leaving != .begun {
            throw HTTP2Failure(.protocolError, "WINDOW_UPDATE of a stream that is not open")
        }
    }

    func receivePing(_ head: FrameHead, _ payload: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        guard head.stream == 0 else { throw HTTP2Failure(.protocolError, "PING of a stream") }
        guard payload.count == 8 else { throw HTTP2Failure(.frameSizeError, "PING of \(payload.count) bytes") }
        if head.flags.contains(.acknowledgement) {
            if leaving == .announced { beginLeaving() } else { noteControl() }
            return
        }
        noteControl()
        output.writeFrameHead(.ping, .acknowledgement, stream: 0, length: 8)
        output.writeBytes(payload)
    }
}
