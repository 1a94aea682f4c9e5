internal import Glibc
internal import NIOCore

/// The `Date` field of a connection's answers, made anew once a second.
final class DateHeader {
    private var second = 0
    private var line: [UInt8] = []

    func write(to output: inout ByteBuffer) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != second { render(now.tv_sec) }
        output.writeBytes(line)
    }

    /// IMF-fixdate of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private func render(_ time: time_t) {
        second = time
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let text = "Date: \(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT\r\n"
        line = Array(text.utf8)
    }
}
