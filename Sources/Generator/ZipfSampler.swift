internal import Glibc

/// Draws ranks 1 ... `count` with probability proportional to `rank^-exponent`, in constant memory and expected constant time.
///
/// Source: W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6 (3),
/// 1996; the numerically stable form follows Apache Commons RNG's `RejectionInversionZipfSampler`. `exp` and `log` are those of the C
/// library: where another library rounds a last bit differently, one draw in about 10^14 may differ.
struct ZipfSampler {
    private let count: Double
    private let exponent: Double
    private let integralAtFirst: Double
    private let integralAtEnd: Double
    private let shortcut: Double

    /// `count` at least 1; `exponent` above 0.
    init(count: Int, exponent: Double) {
        self.count = Double(count)
        self.exponent = exponent
        integralAtFirst = Self.integral(1.5, exponent) - 1
        integralAtEnd = Self.integral(Double(count) + 0.5, exponent)
        shortcut = 2 - Self.inverseIntegral(Self.integral(2.5, exponent) - Self.density(2, exponent), exponent)
    }

    func draw(_ random: inout SplitMix64) -> Int {
        if count <= 1 { return 1 }
        // Each turn is taken with a probability above 1/2 whatever the parameters; the bound guards against a broken libm only.
        for _ in 0..<1_000 {
            let u = integralAtEnd + random.uniform() * (integralAtFirst - integralAtEnd)
            let x = Self.inverseIntegral(u, exponent)
            let k = min(max((x + 0.5).rounded(.down), 1), count)
            if k - x <= shortcut || u >= Self.integral(k + 0.5, exponent) - Self.density(k, exponent) { return Int(k) }
        }
        return 1
    }

    private static func density(_ x: Double, _ exponent: Double) -> Double { exp(-exponent * log(x)) }

    /// The integral of the density, `(x^(1-e) - 1) / (1-e)`, and `log x` where e is 1.
    private static func integral(_ x: Double, _ exponent: Double) -> Double {
        let logX = log(x)
        return expm1Ratio((1 - exponent) * logX) * logX
    }

    private static func inverseIntegral(_ y: Double, _ exponent: Double) -> Double {
        // Below -1 lies only what rounding put there.
        let t = max(y * (1 - exponent), -1)
        return exp(log1pRatio(t) * y)
    }

    /// `expm1(x) / x`, also near 0.
    private static func expm1Ratio(_ x: Double) -> Double {
        abs(x) > 1e-8 ? expm1(x) / x : 1 + x * 0.5 * (1 + x / 3 * (1 + 0.25 * x))
    }

    /// `log1p(x) / x`, also near 0.
    private static func log1pRatio(_ x: Double) -> Double {
        abs(x) > 1e-8 ? log1p(x) / x : 1 - x * (0.5 - x * (1.0 / 3 - 0.25 * x))
    }
}
