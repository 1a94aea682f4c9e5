/// The shop's products: which category each belongs to and what it costs. Computed from the number, never stored.
struct ProductCatalog {
    private static let names: [StaticString] = [
        "shoes", "dresses", "shirts", "jackets", "bags", "watches", "jewelry", "sports", "outdoor", "toys", "books", "music",
        "garden", "kitchen", "furniture", "lighting", "beauty", "health", "pets", "office", "phones", "computers", "cameras", "games",
    ]

    private let products: Int
    private let categories: Int
    private let popularity: ZipfSampler
    private let order: Permutation

    init(options: GeneratorOptions) {
        products = options.products
        categories = options.categories
        popularity = ZipfSampler(count: options.products, exponent: options.zipfExponent)
        order = Permutation(count: options.products, seed: options.seed ^ 0x70)
    }

    /// A product by popularity.
    func draw(_ random: inout SplitMix64) -> Int { order[popularity.draw(&random) - 1] }

    /// A product of the same category as `product`, by popularity.
    func drawBeside(_ product: Int, _ random: inout SplitMix64) -> Int {
        let drawn = draw(&random)
        let moved = drawn - drawn % categories + category(of: product)
        return moved < products ? moved : moved - categories
    }

    func category(of product: Int) -> Int { product % categories }

    /// 4.99 ... 299.98, the same at all times.
    func priceCents(of product: Int) -> UInt64 {
        // Most products are cheap: the smaller of two draws.
        let word = SplitMix64.mix(UInt64(product) &+ 0x5bd1_e995)
        return 499 + ((min(word & 0xffff_ffff, word >> 32) * 29_500) >> 32)
    }

    func putCategory(of product: Int, into writer: inout ByteWriter) {
        let category = category(of: product)
        if category < Self.names.count {
            writer.put(Self.names[category])
        } else {
            writer.put("category-")
            writer.put(decimal: UInt64(category), width: 4)
        }
    }
}

/// A fixed order of 0 ..< `count` in which neighbours are apart, so that popular is not the same as low-numbered: `i·a + b mod count` with
/// `a` coprime to `count`. `count` at most 2^32.
struct Permutation {
    private let count: UInt64
    private let factor: UInt64
    private let shift: UInt64

    init(count: Int, seed: UInt64) {
        let count = UInt64(count)
        var random = SplitMix64(seed: seed)
        var factor = random.next() % count
        // Half of all numbers or so are coprime to a given one, and 1 always is: the loop ends within `count` turns, mostly within five.
        while Self.greatestCommonDivisor(factor, count) != 1 { factor = (factor + 1) % count }
        self.count = count
        self.factor = factor
        shift = random.next() % count
    }

    subscript(_ index: Int) -> Int { Int((UInt64(index) % count * factor + shift) % count) }

    private static func greatestCommonDivisor(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
