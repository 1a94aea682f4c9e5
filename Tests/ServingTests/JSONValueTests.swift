import FeatureStore
import JSONBytes
import Serving
import TestSupport
import Testing

@Suite struct JSONValueTests {
    @Test func writesNestedValues() {
        let value = Value.list([.null, .bool(true), .double(1.5), .map([.init(key: "k\n", value: .list([]))]), .decimal(units: 50, scale: 1)])
        var json = JSONWriter()
        json.value(value)
        #expect(json.text == #"[null,true,1.5,{"k\n":[]},5]"#)
    }
}
