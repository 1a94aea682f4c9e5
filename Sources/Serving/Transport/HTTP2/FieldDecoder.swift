internal import NIOCore
internal import NIOHPACK

/// Header blocks to heads of requests (RFC 7541), remembering the last ones.
///
/// A client asks for the same over and over, and the block of a request then has the same bytes as one before it. Its meaning is the same as
/// long as the dynamic table is, which most blocks leave alone: those are looked up by their bytes, and nothing is decoded.
struct FieldDecoder {
    private var hpack: HPACKDecoder
    private let peer: Peer
    private var known: [(block: [UInt8], request: HTTP2Request)] = []
    private var oldest = 0
    private static let maxKnown = 4

    init(maxListBytes: Int, peer: Peer) {
        self.peer = peer
        hpack = HPACKDecoder(
            allocator: ByteBufferAllocator(), maxDynamicTableSize: HPACKDecoder.maxDynamicTableSize, maxHeaderListSize: maxListBytes)
    }

    /// Nil: the block was decoded, and the request in it is malformed.
    mutating func request(_ block: UnsafeRawBufferPointer) throws(HTTP2Failure) -> HTTP2Request? {
        for entry in known where entry.block.count == block.count && entry.block.elementsEqual(block) { return entry.request }
        let changesTable = Self.mayChangeTable(block)
        if changesTable { forget() }
        guard let request = HTTP2Request(try fields(block), peer) else { return nil }
        if !changesTable {
            let entry = (Array(block), request)
            if known.count < Self.maxKnown {
                known.append(entry)
            } else {
                known[oldest] = entry
                oldest = (oldest + 1) % Self.maxKnown
            }
        }
        return request
    }

    /// Trailers, and whatever else comes after a head: read only because the table may change.
    mutating func skip(_ block: UnsafeRawBufferPointer) throws(HTTP2Failure) {
        if Self.mayChangeTable(block) { forget() }
        _ = try fields(block)
    }

    private mutating func forget() {
        known.removeAll(keepingCapacity: true)
        oldest = 0
    }

    private mutating func fields(_ block: UnsafeRawBufferPointer) throws(HTTP2Failure) -> HPACKHeaders {
        var buffer = ByteBuffer(bytes: block)
        do {
            return try hpack.decodeHeaders(from: &buffer)
        } catch is NIOHPACKErrors.MaxHeaderListSizeViolation {
            throw HTTP2Failure(.enhanceYourCalm, "the header list is too long")
        } catch {
            throw HTTP2Failure(.compressionError, "the header block is not HPACK")
        }
    }

    /// Whether a block has anything but indexed fields and literals that are not to be indexed. Malformed ones may.
    private static func mayChangeTable(_ block: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        /// The number whose first byte, at `at`, has `bits` of it; nil when it is cut off or absurd.
        func number(_ bits: UInt8) -> Int? {
            guard at < block.count else { return nil }
            let mask = UInt8(truncatingIfNeeded: (1 << Int(bits)) - 1)
            var value = Int(block[at] & mask)
            at += 1
            if value < Int(mask) { return value }
            for shift in [0, 7, 14] {
                guard at < block.count else { return nil }
                let byte = block[at]
                at += 1
                value += Int(byte & 0x7f) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
        func passText() -> Bool {
            guard let count = number(7), count <= block.count - at else { return false }
            at += count
            return true
        }
        while at < block.count {
            let first = block[at]
            if first & 0x80 != 0 {
                guard number(7) != nil else { return true }
            } else {
                guard first & 0xe0 == 0, let index = number(4), index != 0 || passText(), passText() else { return true }
            }
        }
        return false
    }
}
