import Testing

import Generator

@Suite struct GeneratorOptionsTests {
    @Test func namesEveryValueThatIsOutOfRange() {
        var options = GeneratorOptions()
        #expect(options.problems.isEmpty)
        options.customers = 0
        options.lateShare = .nan
        options.products = 3
        options.categories = 4
        #expect(options.problems.count == 3)
        #expect(options.problems.contains { $0.contains("categories is 4; it must be within 1 ... 3") })
    }

    @Test(arguments: [-1, 0, 1, Int.max])
    func anyNumbersGiveEvents(_ number: Int) {
        for real in [-1, 0, 1e300, .nan, .infinity] {
            var options = GeneratorOptions()
            options.customers = number
            options.products = number
            options.categories = number
            options.start = Int64(number)
            options.maxOpenSessions = number
            options.eventsPerSecond = real
            options.zipfExponent = real
            options.purchaseShare = real
            options.lateShare = real
            options.duplicateShare = real
            options.botShare = real
            options.malformedShare = real
            options.sessionGapSeconds = real
            options.sessionLength = real
            var generator = ShopGenerator(options)
            var event = GeneratedEvent()
            for _ in 0..<200 {
                generator.next(into: &event)
                #expect(!event.payload.isEmpty && event.payload.count < 512 && !event.customer.isEmpty)
            }
        }
    }
}
