/// What one connection may take of the server.
package struct HTTP2Limits: Sendable {
    /// Requests under way at once; more are refused, and clients wait by themselves.
    package var maxStreams = 128
    /// Of a request's body, gRPC's five bytes with it.
    package var maxBodyBytes: Int
    /// Of a header block as it is sent, and of the fields as HPACK counts them.
    package var maxHeaderBytes = 16 << 10
    /// Of bodies that are not complete yet, over all streams.
    package var maxHeldBytes = 4 << 20
    /// Of answers that wait for the client's window, over all streams; then requests are refused until it reads.
    package var maxQueuedBytes = 8 << 20
    /// Requests that the client takes back before they are answered, in any ten seconds: a client that gives up now and then
    /// stays far below it, one that only opens and resets does not.
    package var maxResets = 1_000
    /// Frames that ask for work and bring nothing (pings, settings, priorities, empty data, windows opened byte by byte), in any ten seconds.
    package var maxControls = 2_000
    /// How long a client may take over a request, or over reading an answer.
    package var patience: Duration

    package init(maxBodyBytes: Int, patience: Duration) {
        self.maxBodyBytes = maxBodyBytes
        self.patience = patience
    }

    /// A body that is within the limit never waits for a window.
    var initialWindow: Int { maxBodyBytes + (64 << 10) }
    var connectionWindow: Int { maxHeldBytes + (1 << 20) }
}
