internal import NIOCore

/// A request that is not answered to its end.
final class HTTP2Stream {
    let id: UInt32
    let request: HTTP2Request
    /// What has come of the body, unless all of it came in one frame.
    var body: [UInt8] = []
    /// Payload of DATA frames, padding included.
    var received = 0
    var isRequestOver = false
    /// What the client lets us send yet; below 0 when it has made its window smaller.
    var window: Int
    /// When the client was last waited for, in ns: since then the request is incomplete or the window too small.
    var waitsSince: Int64

    /// Of the answer, what has not found room in a window.
    var queue = ByteBuffer()
    var trailers: [AnswerField]?
    var isAnswered = false
    var staysOpen = false
    var exchange: HTTP2Exchange?

    init(id: UInt32, request: HTTP2Request, window: Int, now: Int64) {
        self.id = id
        self.request = request
        self.window = window
        waitsSince = now
    }

    var waitsForClient: Bool { !isRequestOver || queue.readableBytes > 0 }
}
