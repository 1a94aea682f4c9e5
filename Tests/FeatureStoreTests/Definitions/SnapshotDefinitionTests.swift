import FeatureStore
import Testing

/// `snapshots:` of the definitions file.
@Suite struct SnapshotDefinitionTests {
    private func load(_ section: String, _ environment: [String: String] = [:]) throws(DefinitionFaults) -> Definitions {
        try Definitions.load(yaml: FaultTests.good + "\n" + section, file: "etc/shop.yaml", environment: environment)
    }

    @Test func `without the section there are none, with it there are defaults`() throws {
        #expect(try load("").snapshots == nil)
        let few = try #require(try load("snapshots: {directory: backups}").snapshots)
        #expect(few.directory == "etc/backups" && few.every == .hours(6) && few.keep == 8)
        let all = try #require(try load("snapshots: {directory: /backups, every: 30m, keep: 3}").snapshots)
        #expect(all.directory == "/backups" && all.every == .minutes(30) && all.keep == 3)
    }

    @Test func `a variable names the directory, relative to the current one`() throws {
        let environment = ["MILLRACE_SNAPSHOTS_DIRECTORY": "elsewhere"]
        #expect(try load("", environment).snapshots?.directory == "elsewhere")
        #expect(try load("snapshots: {directory: backups, keep: 2}", environment).snapshots == {
            var expected = SnapshotSettings(directory: "elsewhere")
            expected.keep = 2
            return expected
        }())
    }

    @Test(arguments: [
        ("snapshots: {every: 1h}", "no `directory`"), ("snapshots: {directory: a, every: 5}", "must be a duration"), ("snapshots: {directory: a, keep: 0}", "outside"),
        ("snapshots: {directory: a, kep: 2}", "has no key `kep`"), ("snapshots: often", "snapshots"),
    ])
    func `faults are named`(section: String, message: String) {
        let error = #expect(throws: DefinitionFaults.self) { try load(section) }
        #expect(error?.faults.count == 1)
        #expect(error?.faults.first?.message.contains(message) == true, "\(error?.description ?? "")")
    }
}
