/// Names of the values of one Protobuf enum, by number. Bytes stay in place as long as the object lives.
final class EnumNames {
    private let numbers: UnsafeMutableBufferPointer<Int32>
    private let names: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>

    init(_ table: [Int32: String]) {
        let sorted = table.sorted { $0.key < $1.key }
        numbers = .allocate(capacity: sorted.count)
        names = .allocate(capacity: sorted.count)
        for (index, (number, name)) in sorted.enumerated() {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, name.utf8.count), alignment: 1)
            bytes.copyBytes(from: name.utf8)
            numbers.initializeElement(at: index, to: number)
            names.initializeElement(at: index, to: UnsafeRawBufferPointer(rebasing: bytes[..<name.utf8.count]))
        }
    }

    deinit {
        for name in names { name.deallocate() }
        numbers.deallocate()
        names.deallocate()
    }

    /// O(log n).
    func name(of number: Int32) -> UnsafeRawBufferPointer? {
        var low = 0
        var high = numbers.count
        while low < high {
            let middle = (low + high) / 2
            if numbers[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < numbers.count && numbers[low] == number ? names[low] : nil
    }
}
