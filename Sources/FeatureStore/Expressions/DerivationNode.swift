/// A derivation's typed tree. Evaluated by walking; its depth is bounded by the parser.
indirect enum DerivationNode: Sendable {
    case constant(Value)
    case input(Int)
    case negate(DerivationNode)
    /// Of two int64.
    case integer(Expression.Arithmetic, DerivationNode, DerivationNode)
    /// Of numbers, as doubles.
    case double(Expression.Arithmetic, DerivationNode, DerivationNode)
    case compare(Expression.Comparison, DerivationNode, DerivationNode)
    case isIn(DerivationNode, [Value], negated: Bool)
    case isNull(DerivationNode, negated: Bool)
    case not(DerivationNode)
    case and([DerivationNode])
    case or([DerivationNode])
    /// The smallest (or the largest) of numbers.
    case extreme([DerivationNode], largest: Bool)
    case absolute(DerivationNode)
    case rounded(DerivationNode, FloatingPointRoundingRule)
    case function(Function, DerivationNode)
    case coalesce([DerivationNode])
    case choose(DerivationNode, then: DerivationNode, otherwise: DerivationNode)
    case clamp(DerivationNode, low: DerivationNode, high: DerivationNode)
    /// The entry of a map; `absent` when the map has no such key.
    case entry(DerivationNode, key: DerivationNode, absent: Value)
    case share(DerivationNode, key: DerivationNode)
    case size(DerivationNode)
    case startsWith(DerivationNode, DerivationNode)
    /// A number as this type: so that the branches of `if` give one type.
    case converted(DerivationNode, ValueType)

    enum Function: Sendable { case log, log1p, sqrt, exp }
}
