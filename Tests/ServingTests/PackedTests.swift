import FeatureStore
import Serving
import TestSupport
import Testing

/// The bytes of packed answers, read by the header alone.
@Suite struct PackedTests {
    private static let served: [ServedFeature?] = [
        nil, nil, .init(encoding: .oneHot(["sho\"es", "bags"], other: true)), .init(encoding: .vocabulary(["b", "c"], other: true, isSparse: true)),
    ]

    private func answer(_ keys: [String]) throws -> LookupAnswer {
        try LookupDouble(served: Self.served).service.lookup(.init(.service("homepage"), keys: keys)).get()
    }

    private struct Read {
        var bytes: [UInt8]
        func number<N: FixedWidthInteger>(_: N.Type, at: Int) -> N { bytes.withUnsafeBytes { N(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: N.self)) } }
        func doubles(_ count: Int, at: Int) -> [Double] { (0..<count).map { Double(bitPattern: number(UInt64.self, at: at + 8 * $0)) } }
        func floats(_ count: Int, at: Int) -> [Float] { (0..<count).map { Float(bitPattern: number(UInt32.self, at: at + 4 * $0)) } }
    }

    @Test func aMatrixASparseMatrixAndStatuses() throws {
        let answer = try answer(["c1", "c2"])
        let read = Read(bytes: try answer.packed(.float64))
        #expect(Array(read.bytes[..<8]) == Array("MRP2".utf8) + [8, 0, 0, 0])
        #expect(read.number(UInt64.self, at: 8) == answer.plan.columns.fingerprint)
        #expect([16, 20, 40, 44].map { read.number(UInt32.self, at: $0) } == [2, 5, 4, 3])
        #expect(read.number(Int64.self, at: 24) == answer.asOf && read.number(Int64.self, at: 32) == 12_500)
        #expect(read.number(UInt64.self, at: 48) == 2)
        #expect(read.doubles(5, at: 64) == [5, 12.34, 1, 0, 0])
        let second = read.doubles(5, at: 104)
        #expect(second[0] == 0 && second[1].isNaN && second[2...] == [0, 0, 0])
        #expect((0..<3).map { read.number(Int64.self, at: 144 + 8 * $0) } == [0, 2, 2])
        #expect(read.doubles(2, at: 168) == [2, 1])
        #expect((0..<2).map { read.number(Int32.self, at: 184 + 4 * $0) } == [0, 2])
        #expect(Array(read.bytes[192...]) == [1, 1, 3, 1, 4, 2, 2, 2, 1, 0])
    }

    @Test func floatsAreTheSameNumbersInHalfTheBytes() throws {
        let read = Read(bytes: try answer(["c1"]).packed(.float32))
        #expect(read.bytes[4] == 4 && read.floats(5, at: 64) == [5, 12.34, 1, 0, 0])
        // 84 bytes of header and matrix; the sparse part begins at a multiple of 8.
        #expect(Array(read.bytes[84..<88]) == [0, 0, 0, 0] && read.number(Int64.self, at: 96) == 2)
        #expect(read.floats(2, at: 104) == [2, 1])
    }

    @Test func wholeNumbersNeedWholeFeatures() throws {
        let problem = #expect(throws: LookupProblem.self) { try answer(["c1"]).packed(.int64) }
        #expect(problem?.kind == .badRequest && problem?.detail.contains("spend_1h") == true && problem?.remedy.contains("float64") == true)
        let whole = try LookupDouble().service.lookup(.init(.features(["clicks_5m"]), keys: ["c1", "c2"])).get()
        let read = Read(bytes: try whole.packed(.int64))
        #expect(read.bytes[4] == 8 && read.bytes[5] == 1)
        #expect((0..<2).map { read.number(Int64.self, at: 64 + 8 * $0) } == [5, 0])
        #expect(read.bytes.count == 64 + 16 + 2 + 2)
    }

    @Test func featuresWithoutColumnsAreRefusedWhereTheyAreNamed() throws {
        let problem = #expect(throws: LookupProblem.self) {
            try LookupDouble().service.lookup(.init(.features(["last_category"]), keys: ["c1"])).get().packed(.float64)
        }
        #expect(problem?.detail.contains("last_category") == true)
    }
}
