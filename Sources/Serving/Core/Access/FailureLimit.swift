public import FeatureStore
internal import Synchronization

/// How many wrong credentials have come from each address, in a table that does not grow.
///
/// An address has one slot, by a hash that nobody outside can foresee. Where two meet, the newer takes the slot over unless the older is at its limit:
/// then the newer is not counted. So memory is bounded, and a blocked address stays blocked.
public final class FailureLimit: Sendable {
    private struct Slot {
        var network: UInt64 = 0
        var failures = 0
        var unknowns = 0
        /// µs since the epoch.
        var began: Int64 = .min
    }

    private let slots: Mutex<[Slot]>
    private let seed = UInt64.random(in: .min ... .max)
    private let settings: FailureSettings
    static let slotCount = 1 << 13

    public init(_ settings: FailureSettings) {
        self.settings = settings
        slots = Mutex(Array(repeating: Slot(), count: Self.slotCount))
    }

    private func index(_ address: ClientAddress) -> Int {
        let hash = withUnsafeBytes(of: address.network) { XXHash64.hash($0, seed: seed) }
        return Int(hash % UInt64(Self.slotCount))
    }

    /// For how many µs more the address is refused; nil: it is not.
    package func blocked(_ address: ClientAddress, now: Int64) -> Int64? {
        let index = index(address)
        return slots.withLock { slots in
            let slot = slots[index]
            guard slot.network == address.network, slot.failures >= settings.limit, now < slot.began &+ settings.window else { return nil }
            return slot.began + settings.window - now
        }
    }

    /// Takes down a wrong credential, or that there was none. Returns how many of that kind the address has sent in this window.
    package func note(_ address: ClientAddress, isWrong: Bool, now: Int64) -> Int {
        let index = index(address)
        return slots.withLock { slots in
            let isCurrent = slots[index].began != .min && now < slots[index].began &+ settings.window
            if !isCurrent || slots[index].network != address.network {
                if isCurrent, slots[index].failures >= settings.limit { return settings.limit }
                slots[index] = Slot(network: address.network, began: now)
            }
            if isWrong {
                slots[index].failures += 1
                return slots[index].failures
            }
            slots[index].unknowns += 1
            return slots[index].unknowns
        }
    }
}
