/// Writes clicks and purchases as JSON, in the shape of the shipped event contracts.
struct EventWriter {
    /// More than the longest event: 20-digit numbers everywhere stay below it.
    static let maxBytes = 512

    let catalog: ProductCatalog

    func click(
        id: UInt64, customer: Int, time: Int64, page: Page, product: Int, session: UInt64, device: Device, into payload: inout [UInt8]
    ) {
        write(into: &payload) { writer in
            writer.put("{\"event_id\":\"e")
            writer.put(hex: id)
            writer.put("\",\"customer_id\":\"")
            Self.putCustomer(customer, into: &writer)
            writer.put("\",\"event_time\":")
            writer.put(decimal: UInt64(max(time, 0) / 1_000))
            writer.put(",\"page\":\"")
            writer.put(page.name)
            writer.put("\",\"product\":{\"id\":\"")
            Self.putProduct(product, into: &writer)
            writer.put("\",\"category\":\"")
            catalog.putCategory(of: product, into: &writer)
            writer.put("\",\"price\":")
            writer.put(cents: catalog.priceCents(of: product))
            writer.put("},\"session\":\"s")
            writer.put(hex: session)
            writer.put("\",\"device\":\"")
            writer.put(device.name)
            writer.put("\"}")
        }
    }

    func purchase(id: UInt64, customer: Int, time: Int64, product: Int, quantity: UInt64, into payload: inout [UInt8]) {
        write(into: &payload) { writer in
            writer.put("{\"order_id\":\"o")
            writer.put(hex: id)
            writer.put("\",\"customer_id\":\"")
            Self.putCustomer(customer, into: &writer)
            writer.put("\",\"ordered_at\":\"")
            writer.put(rfc3339: max(time, 0) / 1_000)
            writer.put("\",\"product\":\"")
            Self.putProduct(product, into: &writer)
            writer.put("\",\"category\":\"")
            catalog.putCategory(of: product, into: &writer)
            writer.put("\",\"quantity\":")
            writer.put(decimal: quantity)
            writer.put(",\"amount\":")
            writer.put(cents: catalog.priceCents(of: product) * quantity)
            writer.put(",\"currency\":\"EUR\"}")
        }
    }

    func customer(_ customer: Int, into key: inout [UInt8]) {
        write(into: &key) { Self.putCustomer(customer, into: &$0) }
    }

    /// Breaks a whole event in one of four ways, none of which a decoder may accept.
    func damage(_ payload: inout [UInt8], way: Int) {
        switch way {
        case 0: payload.removeLast(payload.count / 2)
        case 1: write(into: &payload) { $0.put("not json") }
        case 2: write(into: &payload) { $0.put("{\"event_id\":\"e1\",\"order_id\":\"o1\"}") }
        default:
            // A key byte that JSON does not allow outside of a string.
            payload[0] = UInt8(ascii: "!")
        }
    }

    private func write(into bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maxBytes) { buffer in
            var writer = ByteWriter(buffer)
            body(&writer)
            bytes.removeAll(keepingCapacity: true)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<writer.count]))
        }
    }

    private static func putCustomer(_ customer: Int, into writer: inout ByteWriter) {
        writer.put(UInt8(ascii: "c"))
        writer.put(decimal: UInt64(customer), width: 7)
    }

    private static func putProduct(_ product: Int, into writer: inout ByteWriter) {
        writer.put(UInt8(ascii: "p"))
        writer.put(decimal: UInt64(product), width: 6)
    }
}

enum Page {
    case home, search, category, product, cart

    var name: StaticString {
        switch self {
        case .home: "home"
        case .search: "search"
        case .category: "category"
        case .product: "product"
        case .cart: "cart"
        }
    }
}

enum Device {
    case mobile, desktop, tablet, bot

    var name: StaticString {
        switch self {
        case .mobile: "mobile"
        case .desktop: "desktop"
        case .tablet: "tablet"
        case .bot: "bot"
        }
    }
}
