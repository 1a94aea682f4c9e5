/// The sessions of a tile: runs of events in which none comes more than the gap after the one before. Per session, ascending:
/// first event time Int64 times two, plus one if it is the only event; then last minus first event time (a LEB128 varint).
///
/// Sessions of two cells that are no more than the gap apart are one session of both together, whichever way they come together.
struct SessionCell {
    static let emptyBytes = 0
    private let gap: Int64

    init(_ column: TileColumn) { gap = column.parameter }

    private struct Session {
        var first: Int64
        var last: Int64
        var isSingle: Bool
    }

    func add(time: Int64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        withUnsafeTemporaryAllocation(byteCount: 9, alignment: 8) { one in
            one.storeBytes(of: time << 1 | 1, as: Int64.self)
            one[8] = 0
            merge(UnsafeRawBufferPointer(one), into: &cell, in: &tiles)
        }
    }

    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let own = cell.bytes(in: tiles)
        // Two sessions of 9 bytes or more become one of at most 16, never longer than both.
        withUnsafeTemporaryAllocation(byteCount: own.count + payload.count + 32, alignment: 8) { room in
            var a = Reader(own), b = Reader(payload)
            var end = 0
            var open: Session?
            func close() {
                guard let session = open else { return }
                room.storeBytes(of: session.first << 1 | (session.isSingle ? 1 : 0), toByteOffset: end, as: Int64.self)
                end = Varint.write(UInt64(session.last - session.first), to: room, at: end + 8)
            }
            while true {
                let next: Session
                switch (a.first, b.first) {
                case (let first?, let other?): next = first <= other ? a.take() : b.take()
                case (.some, nil): next = a.take()
                case (nil, .some): next = b.take()
                case (nil, nil):
                    close()
                    cell.replacePayload(with: UnsafeRawBufferPointer(rebasing: room[..<end]), in: &tiles)
                    return
                }
                if let session = open, next.first - session.last <= gap {
                    open = Session(first: session.first, last: Swift.max(session.last, next.last), isSingle: false)
                } else {
                    close()
                    open = next
                }
            }
        }
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        var before = Int64.min
        while at < payload.count {
            guard at + 8 < payload.count, let next = Varint.end(in: payload, at: at + 8) else { return false }
            let word = payload.loadUnaligned(fromByteOffset: at, as: Int64.self)
            let first = word >> 1
            at += 8
            let length = Varint.read(payload, at: &at)
            guard first > before, Store.validTimes.contains(first), length <= UInt64(Store.validTimes.upperBound - first),
                word & 1 == 0 || length == 0
            else { return false }
            before = first + Int64(length)
            at = next
        }
        return true
    }

    static func summary(_ payload: UnsafeRawBufferPointer) -> (count: Int64, singles: Int64, totalLength: Int128) {
        var count: Int64 = 0, singles: Int64 = 0
        var total: Int128 = 0
        var reader = Reader(payload)
        while reader.first != nil {
            let session = reader.take()
            count += 1
            if session.isSingle { singles += 1 }
            total += Int128(session.last - session.first)
        }
        return (count, singles, total)
    }

    /// Sessions of a well-formed payload, one after another.
    private struct Reader {
        private let payload: UnsafeRawBufferPointer
        private var at = 0

        init(_ payload: UnsafeRawBufferPointer) { self.payload = payload }

        @inline(__always)
        private var word: Int64 { payload.loadUnaligned(fromByteOffset: at, as: Int64.self) }

        @inline(__always)
        var first: Int64? { at < payload.count ? word >> 1 : nil }

        @inline(__always)
        mutating func take() -> Session {
            let word = word
            at += 8
            return Session(first: word >> 1, last: word >> 1 + Int64(Varint.read(payload, at: &at)), isSingle: word & 1 == 1)
        }
    }
}
