extension Duration {
    /// In seconds, for rates and metrics.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
