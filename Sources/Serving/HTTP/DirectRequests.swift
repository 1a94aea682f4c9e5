internal import HTTPTypes
internal import JSONBytes
internal import NIOCore
internal import Serving

/// Answers plain requests where their bytes arrive, in front of Hummingbird's handlers.
///
/// A lookup takes a few µs; an HTTP stack that turns bytes into values, streams and tasks and back takes several times that. Most requests
/// need none of it, so they are parsed in place (`PlainRequest`) and their answers are written straight into the output buffer. The first
/// request of a connection that is not plain goes on to Hummingbird as it came, and so does everything after it on that connection.
///
/// Answers are written in the order of the requests (pipelining). While the client does not read its answers no more requests are
/// read, so what waits is bounded by one read.
final class DirectRequests: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoints: Endpoints
    private let date = DateHeader()
    /// The beginning of a request that is not all here.
    private var pending: ByteBuffer?
    private var isPassing = false
    private var isReadHeldBack = false
    private var json = JSONWriter(reservingBytes: 4096)

    init(endpoints: Endpoints) { self.endpoints = endpoints }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isPassing { return context.fireChannelRead(data) }
        var input = unwrapInboundIn(data)
        if var held = pending.take() {
            held.writeBuffer(&input)
            input = held
        }
        var output = context.channel.allocator.buffer(capacity: 4096)
        while input.readableBytes > 0 {
            let step = input.withUnsafeReadableBytes { take($0, into: &output) }
            switch step {
            case .took(let count): input.moveReaderIndex(forwardBy: count)
            case .wait:
                pending = input
                input.clear()
            case .pass: isPassing = true
            }
            if isPassing { break }
        }
        // What was answered goes out before what Hummingbird answers.
        if output.readableBytes > 0 { context.write(wrapOutboundOut(output), promise: nil) }
        if isPassing { context.fireChannelRead(wrapInboundOut(input)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isPassing { context.flush() }
        context.fireChannelReadComplete()
    }

    /// A client that closes its side in the middle of a request gets what Hummingbird thinks of that.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !isPassing, event is ChannelEvent { passPending(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pending = nil
        context.fireChannelInactive()
    }

    private func passPending(_ context: ChannelHandlerContext) {
        guard let held = pending.take() else { return }
        isPassing = true
        context.fireChannelRead(wrapInboundOut(held))
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isPassing || context.channel.isWritable { context.read() } else { isReadHeldBack = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isReadHeldBack, context.channel.isWritable {
            isReadHeldBack = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: One request

    private enum Step {
        case took(Int)
        case wait
        case pass
    }

    private func take(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) -> Step {
        let request: PlainRequest
        switch PlainRequest.parse(bytes) {
        case .incomplete: return .wait
        case .unusual: return .pass
        case .plain(let parsed): request = parsed
        }
        guard request.bodyBytes <= Self.maxBodyBytes else { return .pass }
        let total = request.headBytes + request.bodyBytes
        guard total <= bytes.count else { return .wait }
        let target = UnsafeRawBufferPointer(rebasing: bytes[request.targetStart..<request.targetEnd])
        let body = UnsafeRawBufferPointer(rebasing: bytes[request.headBytes..<total])
        let plain = request.isPost ? nil : EntityTarget(target)
        // They take longer, and their form depends on a header.
        if plain == nil, target.starts(with: Self.explainPath) { return .pass }
        let status: Int
        if let plain {
            endpoints.service.metrics.requestBegan()
            status = answer(plain, into: &output)
        } else {
            guard let reply = reply(request, target, body) else { return .pass }
            endpoints.service.metrics.requestBegan()
            status = reply.status
            output.writeReply(reply, date: date)
        }
        endpoints.service.metrics.httpEnded(status: status)
        return .took(total)
    }

    /// Nil: it has to wait for something.
    private func reply(_ request: PlainRequest, _ target: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Reply? {
        do throws(LookupProblem) {
            switch try endpoints.answer(request.isPost ? .post : .get, RequestTarget(String(decoding: target, as: UTF8.self))) {
            case .reply(let finished): return finished
            case .explain(let query, let asText): return try endpoints.explanation(query, asText: asText)
            case .waits, .takesRows: return nil
            case .needsBody(let form):
                let question = try endpoints.question(form, body: body)
                // Long batches are worth a thread of their own, which Hummingbird's path gives them.
                let isShort = question.keyCount <= LookupResponder.maxKeysOnEventLoop
                return isShort && question.minPosition.isEmpty ? try endpoints.reply(question) : nil
            }
        } catch {
            return Reply(problem: error)
        }
    }

    private static let explainPath = Array("/v1/explain/".utf8)
    /// Names of many features, and some keys.
    private static let maxBodyBytes = 8192

    /// The hot path.
    private func answer(_ target: EntityTarget, into output: inout ByteBuffer) -> Int {
        json.reset()
        if let problem = endpoints.service.writeEntity(service: target.service, key: target.key, to: &json) {
            let reply = Reply(problem: problem)
            output.writeReply(reply, date: date)
            return reply.status
        }
        output.writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        date.write(to: &output)
        json.withBytes { body in
            output.writeContentLength(body.count)
            output.writeBytes(body)
        }
        return 200
    }
}

/// `/v1/services/{service}/entities/{key}` without escapes and parameters, in place.
private struct EntityTarget {
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

extension ByteBuffer {
    fileprivate mutating func writeReply(_ reply: Reply, date: DateHeader) {
        writeString("HTTP/1.1 \(HTTPResponse.Status(code: reply.status))\r\nContent-Type: \(reply.contentType)\r\n")
        for (name, value) in reply.headers { writeString("\(name): \(value)\r\n") }
        date.write(to: &self)
        writeContentLength(reply.body.count)
        writeBytes(reply.body)
    }

    /// And the empty line: it comes last.
    fileprivate mutating func writeContentLength(_ count: Int) {
        writeStaticString("Content-Length: ")
        writeString(String(count))
        writeStaticString("\r\n\r\n")
    }
}
