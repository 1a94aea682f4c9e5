internal import Glibc
internal import NIOCore

/// The `Date` field of answers, made anew once a second.
final class DateHeader {
    private var second = 0
    private var line: [UInt8] = []
    private var jsonHead: [UInt8] = []

    func write(to output: inout ByteBuffer) {
        renew()
        output.writeBytes(line)
    }

    /// The head of a 200 of JSON, but for the `Content-Length`.
    var headOfJSON: [UInt8] {
        renew()
        return jsonHead
    }

    @inline(__always)
    private func renew() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != second { make(now.tv_sec) }
    }

    private func make(_ second: Int) {
        self.second = second
        line = Array("Date: \(Self.text(second))\r\n".utf8)
        jsonHead = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".utf8) + line
    }

    /// Now.
    static var text: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return text(now.tv_sec)
    }

    /// IMF-fixdate of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func text(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
