/// One base aggregate that every tile of a view carries. Features share columns: `sum(price)` and `mean(price)` over any windows
/// use one sum and one count.
package struct TileColumn: Sendable, Equatable {
    /// Raw values are part of the fingerprint: a kind whose bytes change gets a new one.
    package enum Kind: UInt8, Sendable {
        // Of fixed size.
        case count  // UInt64
        case countNonNull  // UInt64
        case sum  // Int128
        case min, max  // Int64, `TileColumn.none` when there is none
        case firstInteger  // time Int64 (`TileColumn.none`), id UInt64, value Int64
        // Of variable size.
        case firstString
        case countBy = 8, sumBy
        // Of fixed size.
        case squares  // three UInt64
        case firstTime  // Int64, `TileColumn.none` when there is none
        // Of variable size.
        case quantiles, decayedCount, decayedSum, sessions, days, distinct, vectorSum
    }
    package var kind: Kind
    /// Index of the field that is aggregated; -1 when there is none.
    package var field: Int32 = -1
    /// Index of the field that groups; -1 when there is none.
    package var by: Int32 = -1
    /// Bound on the keys of a map, on the buckets of quantiles.
    package var maxKeys: Int32 = 0
    /// What else the kind needs: buckets an octave (quantiles), the half-life (decayed sums), the gap (sessions); µs; the
    /// dimension (vectors).
    package var parameter: Int64 = 0
    /// Fixed size: where the cell begins, from the end of the tile's header. Variable: the ordinal among the variable cells.
    package var position: Int32 = 0

    /// Marks an absent Int64; no field has this value.
    package static let none = Int64.min

    package var fixedByteCount: Int? { kind.fixedByteCount }
}

/// The newest `n` events of a view, kept once per row and not per tile: for `last`, `last_n` and `time_since_last`.
package struct SequenceColumn: Sendable, Equatable {
    /// Raw values are part of the fingerprint: a kind whose bytes change gets a new one.
    package enum Kind: UInt8, Sendable {
        /// Entries are times only.
        case times
        case integers
        /// Strings; vectors, as the Int64 of their elements.
        case strings
    }
    package var kind: Kind
    package var field: Int32 = -1
    package var n: Int32
    package var distinct: Bool = false
    /// Of a vector's entry; 0 where it varies.
    package var valueBytes: Int32 = 0
}
