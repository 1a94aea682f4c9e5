import FeatureStore
import Ingest
import TestSupport

/// A click as it is meant, and its bytes in every format.
struct SampleClick {
    static let devices = ["DEVICE_UNSPECIFIED", "DEVICE_DESKTOP", "DEVICE_PHONE", "DEVICE_TABLET", "DEVICE_APP"]

    var id: String
    var customer: String
    var product: String
    var page: String
    var category: String
    var priceUnits: Int64
    var session: String
    var device: Int
    var micros: Int64

    init(_ random: inout SeededGenerator) {
        func text(_ limit: Int) -> String {
            let alphabet = Array("abcXYZ019 -_/\"\\\n\u{1}éß€語😀")
            return String((0...random.below(limit)).map { _ in alphabet[random.below(alphabet.count)] })
        }
        id = text(20)
        customer = text(12)
        product = text(8)
        page = text(30)
        category = text(10)
        priceUnits = Int64(random.below(1_000_000)) - 1_000
        session = text(16)
        device = random.below(5)
        micros = 1_600_000_000_000_000 + Int64(random.next() % 200_000_000_000_000)
    }

    var price: String {
        let cents = priceUnits.magnitude % 100
        return "\(priceUnits < 0 ? "-" : "")\(priceUnits.magnitude / 100).\(cents < 10 ? "0" : "")\(cents)"
    }

    var expected: Decoded {
        .event(DecodedEvent(
            values: [
                .string(customer), .string(product), .string(page), .string(category), .integer(priceUnits), .string(session),
                .string(Self.devices[device]),
            ], time: micros, id: hash(id)))
    }

    /// Members in any order, strings escaped in any way, things in between that nobody asked for.
    func json(_ random: inout SeededGenerator) -> [UInt8] {
        func quoted(_ text: String) -> String {
            var out = "\""
            for scalar in text.unicodeScalars {
                if scalar.value < 0x20 || scalar == "\"" || scalar == "\\" || random.chance(5) {
                    for unit in String(scalar).utf16 {
                        let hex = String(unit, radix: 16)
                        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + (random.chance(50) ? hex : hex.uppercased())
                    }
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
            return out + "\""
        }
        func space() -> String { random.chance(20) ? ["\n", " ", "\t \r\n"][random.below(3)] : "" }
        func object(_ members: [(String, String)]) -> String {
            var members = members.shuffled(using: &random)
            if random.chance(30) {
                let noise = [#"{"customer_id":"no"}"#, "[1,[2,{}],\"]\"]", "-1.5e-7", "null", #""\"}""#][random.below(5)]
                members.insert(("x\(random.below(9))", noise), at: random.below(members.count + 1))
            }
            let parts = members.map { "\(space())\(quoted($0.0))\(space()):\(space())\($0.1)\(space())" }
            return "{\(parts.joined(separator: ","))}"
        }
        let days = Int(micros / 86_400_000_000)
        let (year, month, day) = civil(days)
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let second = Int(micros / 1_000_000 % 86_400)
        var fraction = "\(micros % 1_000_000 + 1_000_000)".dropFirst()
        while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
        let time = "\(year)-\(two(month))-\(two(day))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)).\(fraction)Z"
        let text = object([
            ("event_id", quoted(id)), ("customer_id", quoted(customer)), ("event_time", quoted(time)), ("page", quoted(page)),
            ("product", object([
                ("id", quoted(product)), ("category", quoted(category)), ("price", random.chance(50) ? quoted(price) : price),
            ])),
            ("session_id", quoted(session)), ("device", quoted(Self.devices[device])),
        ])
        return Array(text.utf8)
    }

    /// Fields in any order, the product in one piece or two, unknown fields in between.
    func protobuf(_ random: inout SeededGenerator) -> [UInt8] {
        let productPart: [(inout WireWriter) -> Void] = [{ $0.string(1, product) }, { $0.string(2, category) }, { $0.string(3, price) }]
        var parts: [(inout WireWriter) -> Void] = [
            { $0.string(1, id) }, { $0.string(2, customer) }, { $0.timestamp(3, micros: micros) }, { $0.string(4, page) },
            { $0.string(6, session) }, { if device != 0 { $0.int(7, Int64(device)) } },
        ]
        if random.chance(50) {
            parts.append { writer in writer.message(5) { for part in productPart { part(&$0) } } }
        } else {
            for part in productPart { parts.append { $0.message(5) { part(&$0) } } }
        }
        if random.chance(30) { parts.append { $0.group(99) { $0.string(1, "no") } } }
        if random.chance(30) { parts.append { $0.fixed64(100, 1) } }
        if random.chance(30) { parts.append { $0.data(2_000, [1, 2, 3]) } }
        return WireWriter.message { for part in parts.shuffled(using: &random) { part(&$0) } }
    }

    /// Year, month and day of a day number, by counting.
    private func civil(_ days: Int) -> (Int, Int, Int) {
        var left = days
        var year = 1970
        func isLeap(_ y: Int) -> Bool { y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) }
        while left >= (isLeap(year) ? 366 : 365) {
            left -= isLeap(year) ? 366 : 365
            year += 1
        }
        var month = 1
        for length in [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if left < length { break }
            left -= length
            month += 1
        }
        return (year, month, left + 1)
    }
}
