import FeatureStore
import TestSupport
import Testing

/// The mark that tells whether a store that is not synced may have lost pages.
@Suite struct SessionMarks {
    private let directory = TemporaryDirectory()

    private func mark(boot: String?) -> SessionMark { SessionMark(directory: directory.path, boot: boot) }

    @Test func `a shard that was open in another boot is torn, in the same one it is not`() {
        #expect(!mark(boot: "a").isTorn)
        #expect(mark(boot: "a").markOpen(.replay) == 0)
        #expect(!mark(boot: "a").isTorn)
        #expect(mark(boot: "b").isTorn)
        #expect(mark(boot: "a").markClean() == 0)
        #expect(!mark(boot: "b").isTorn)
    }

    @Test func `where the boot is hidden an open shard counts as torn, also if it was hidden before`() {
        #expect(mark(boot: nil).markOpen(.replay) == 0)
        #expect(mark(boot: nil).isTorn)
        #expect(mark(boot: nil).markClean() == 0)
        #expect(!mark(boot: nil).isTorn)
    }

    @Test func `a shard that syncs is never torn`() {
        #expect(mark(boot: nil).markOpen(.commit) == 0)
        #expect(!mark(boot: nil).isTorn)
    }
}
