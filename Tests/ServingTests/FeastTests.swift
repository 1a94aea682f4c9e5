import FeatureStore
import JSONBytes
import Serving
import Testing
import TestSupport

/// Feast's protocol over the double: what is written, what is asked of the store, what is refused.
@Suite struct FeastTests {
    private func service(_ double: LookupDouble = LookupDouble(), values: [Value]? = nil) -> LookupService {
        var source = double.source
        source.definitions.views = [
            .init(
                name: "clicks", entity: "customer", stream: "clicks",
                features: LookupDouble.features.prefix(3).map { .init(name: $0, aggregation: .count(field: nil), window: .lifetime) }),
            .init(
                name: "maps", entity: "customer", stream: "clicks",
                features: [.init(name: LookupDouble.features[3], aggregation: .count(field: nil), window: .lifetime)]),
        ]
        if let values {
            source.lookup = { (plan, _, _, _, vector) throws(LookupError) in
                vector = Vector(found: true, values: values.map { .init(value: $0, status: .present, newestEventTime: nil) }, shards: [0])
            }
        }
        return LookupService(source: source)
    }

    private func answer(_ service: LookupService, _ body: String) throws(FeastProblem) -> String {
        let bytes = Array(body.utf8)
        let request: Result<FeastRequest, FeastProblem> = bytes.withUnsafeBytes { bytes in
            do throws(FeastProblem) { return .success(try FeastRequest(json: bytes, maxRows: 3)) } catch { return .failure(error) }
        }
        return String(decoding: try service.feast(try request.get()).json(), as: UTF8.self)
    }

    private func problem(_ body: String) -> (status: Int, json: String)? {
        do throws(FeastProblem) {
            _ = try answer(service(), body)
            return nil
        } catch {
            return (error.httpStatus, String(decoding: error.json(), as: UTF8.self))
        }
    }

    @Test func `a service answers in columns, keys first, in its order`() throws {
        let double = LookupDouble()
        let got = try answer(service(double), #"{"feature_service":"homepage","entities":{"customer":["c1",7]},"full_feature_names":false}"#)
        #expect(got == #"""
            {"results":[{"values":["c1","7"],"statuses":["PRESENT","PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]},\#
            {"values":[5,0],"statuses":["PRESENT","PRESENT"],"event_timestamps":["2025-12-31T23:59:59.000000Z","1970-01-01T00:00:00Z"]},\#
            {"values":[12.34,null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["2025-12-31T23:59:57.999999Z","1970-01-01T00:00:00Z"]},\#
            {"values":["sho\"es",null],"statuses":["OUTSIDE_MAX_AGE","NOT_FOUND"],"event_timestamps":["2026-01-01T00:00:00.000000Z","1970-01-01T00:00:00Z"]},\#
            {"values":[{"a":1,"b":2},null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]}],\#
            "metadata":{"feature_names":["customer","clicks_5m","spend_1h","last_category","views_by_category"]}}
            """#)
        #expect(double.state.withLock { $0.asked.map(\.key) } == ["c1", "7"])
        #expect(double.state.withLock { Set($0.asked.map(\.asOf)).count } == 1, "one time for all rows")
    }

    @Test func `features are named by view, with versions, and with their full names`() throws {
        let got = try answer(service(), #"""
            {"features":["maps:views_by_category","clicks@v3:clicks_5m"],"entities":{"customer":["c1"],"basket":["x"]},"full_feature_names":true,
             "include_feature_view_version_metadata":true,"unknown":[{}]}
            """#)
        #expect(got.hasSuffix(
            #""metadata":{"feature_names":["customer","maps__views_by_category","clicks__clicks_5m"],"feature_view_metadata":[{"name":"maps"},{"name":"clicks"}]}}"#))
    }

    @Test func `a value's text says its type`() throws {
        let got = try answer(
            service(values: [.decimal(units: 300, scale: 2), .list([.decimal(units: 5, scale: 1), .decimal(units: 10, scale: 1)]), .list([]), .map([])]),
            #"{"feature_service":"homepage","entities":{"customer":["c1"]}}"#)
        for wanted in [#""values":[3.0]"#, #""values":[[0.5,1.0]]"#] { #expect(got.contains(wanted), "\(got)") }
        #expect(got.components(separatedBy: #""values":[null],"statuses":["PRESENT"]"#).count == 3, "what is empty has no type: \(got)")
    }

    @Test(arguments: [
        (#"{"feature_service":"none","entities":{"customer":["a"]}}"#, 404, "FeatureServiceNotFoundException"),
        (#"{"features":["none:x"],"entities":{"customer":["a"]}}"#, 404, "FeatureViewNotFoundException"),
        (#"{"features":["clicks:clicks_5n"],"entities":{"customer":["a"]}}"#, 422, "did you mean clicks_5m?"),
        (#"{"features":["clicks:clicks_5m","clicks:clicks_5m"],"entities":{"customer":["a"]}}"#, 422, "FeatureNameCollisionError"),
        (#"{"features":["clicks:clicks_5m"],"entities":{"user":["a"]}}"#, 422, "Missing join key"),
        (#"{"features":["clicks:clicks_5m"],"entities":{"customer":["a","b","c","d"]}}"#, 422, "More than 3 entity rows"),
        (#"{"features":["clicks:clicks_5m"],"entities":{"customer":["a",null]}}"#, 422, "a string or a number"),
        (#"{"features":["clicks:clicks_5m"]}"#, 422, #""type":"missing","loc":["body","entities"]"#),
        (#"{"features":[1],"entities":{}}"#, 422, #""type":"string_type","loc":["body","features",0]"#),
        (#"[]"#, 422, "valid dictionary"),
        (#"{"entities":"#, 422, #""type":"json_invalid","loc":["body",12]"#),
        (#"{"entities":{}} x"#, 422, "json_invalid"),
        ("", 422, "json_invalid"),
    ]) func `a mistake is told in a form that clients understand`(body: String, status: Int, wanted: String) {
        let got = problem(body)
        #expect(got?.status == status, "\(body)")
        #expect(got?.json.contains(wanted) == true, "\(got?.json ?? "")")
    }

    @Test func `a shard that is not served can be tried again`() throws {
        let double = LookupDouble()
        double.state.withLock { _ = $0.unavailable.insert("c9") }
        do throws(FeastProblem) {
            _ = try answer(service(double), #"{"feature_service":"homepage","entities":{"customer":["c9"]}}"#)
            Issue.record("it was answered")
        } catch {
            #expect(error.httpStatus == 503)
        }
    }

    @Test func `derived features have a view of their own, whatever the others are called`() {
        var definitions = LookupDouble().source.definitions
        definitions.views = [.init(name: "customer_derived", entity: "customer", stream: "clicks", features: [])]
        definitions.derived = [.init(name: "rate", entity: "customer", expression: "1")]
        let views = FeastViews(definitions).views
        #expect(views.map(\.name) == ["customer_derived", "customer_derived_2"])
        #expect(views[1].features == ["rate"])
    }
}
