/// A named table (LMDB: a database) of one environment: byte-string keys in `memcmp` order, byte-string values.
///
/// Trivial, so that it costs nothing to pass around. Use it only with the environment that opened it, while that is open.
public struct Table: Hashable, Sendable {
    /// LMDB's handle (`MDB_dbi`).
    let handle: UInt32
}
