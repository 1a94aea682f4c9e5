import FeatureStore
import Foundation
import Ingest
import Testing

@Suite struct LogTableTests {
    let fixture = LogFixture()

    private func options(_ text: String, name: String = "clicks.csv") -> LogOptions {
        fixture.options([fixture.write(name, text)])
    }

    @Test func namesArePaths() {
        let result = fixture.run(options(
            "time,customer,product.id,product.price,seen,other\r\n1700000000,a,p1,12.5,true,x\r\n1700000001,b,,,,\n1700000002,\"c, d\",\"say \"\"hi\"\"\",\"\",\"\",\n1700000003,e,\"\",1e2,0,\"two\nlines\"\n1700000004,\"f\ng\",p,1,f,"))
        #expect(result.error == nil)
        #expect(result.events == [
            "0 1700000000 a|p1|1250|1", "0 1700000001 b|null|null|null", "0 1700000002 c, d|say \"hi\"|null|null",
            "0 1700000003 e||10000|0", "0 1700000004 f\ng|p|100|0",
        ])
    }

    @Test func vectorsAreJSONArrays() {
        fixture.definitions.streams[0].fields = [FieldDefinition(name: "taste", type: .vector(dimension: 2, scale: 1))]
        let result = fixture.run(options(
            "customer,time,taste\na,1700000000,\"[1, -2.5]\"\nb,1700000000,\nc,1700000000,[1]\nd,1700000000,\"[1,2]3]\"\ne,1700000000,7\n"))
        #expect(result.events == ["0 1700000000 a|[10, -25]", "0 1700000000 b|null"])
        #expect(result.drops.count == 3)
    }

    @Test func columnsAreMapped() {
        let text = "when;x\tuser\tsku\tcost\n1700000000\ta\tp1\t3.00\n"
        var wanted = options(text, name: "clicks.tsv")
        wanted.columns = ["when;x": "time", "user": "customer", "sku": "product.id", "cost": "product.price"]
        #expect(fixture.run(wanted).error
            == "clicks.tsv:1: stream `clicks`, field `seen`: field `seen`: the header has no such column; say which column it is, as in `user=seen`, or that missing fields are null"
            || fixture.run(wanted).error?.contains("field `seen`: the header has no such column") == true)
        wanted.missingFieldsAreNull = true
        #expect(fixture.run(wanted).events == ["0 1700000000 a|p1|300|null"])
        wanted.columns["user"] = "costumer"
        #expect(fixture.run(wanted).error?.contains("key `customer`: the header has no such column") == true)
        wanted.columns["user"] = "customer"
        wanted.columns["sku"] = "nothing"
        #expect(fixture.run(wanted).error?.contains("the column `sku` stands for `nothing`, which the stream does not read") == true)
    }

    @Test func brokenRowsAreCounted() {
        let result = fixture.run(options("""
            customer,time,product.id,product.price,seen
            a,1700000000,p,1,true
            b,1700000000,p,1
            c,1700000000,p,1,true,more
            d,17000x,p,1,true
            e,1700000000,p"q",1,true
            f,1700000000,"p"q,1,true
            ,1700000000,p,1,true
            "g
            h",1700000000,p,x,true
            i,1700000000,p,1,maybe
            """))
        #expect(result.events == ["0 1700000000 a|p|100|1"])
        #expect(result.faults.map { String($0.split(separator: ": clicks: ")[0].split(separator: " ")[0]) } == (3...9).map { "clicks.csv:\($0)" } + ["clicks.csv:11"])
        #expect(result.faults.map { String($0.split(separator: ": clicks: ")[1]) } == [
            "the record has fewer fields than the header (byte 16)", "the record has more fields than the header (byte 22)",
            "time (time) is not a number (byte 2)", "the record has a quote where CSV allows none (byte 14)",
            "the record has a quote where CSV allows none (byte 16)", "key `customer` (customer) is required and missing (byte 0)",
            "field `price` (product.price) is not a number (byte 19)",
            "field `seen` (seen) has a value of another type than the stream declares (byte 17)",
        ])
    }

    @Test func brokenTablesAreErrors() {
        #expect(fixture.run(options("customer,time,customer\n")).error == "clicks.csv:1: the header names the column `customer` twice")
        let open = fixture.run(options("customer,time,product.id,product.price,seen\na,1700000000,p,1,true\nb,1700000000,\"p,1,true\nc,1700000000,p,1,true\n"))
        #expect(open.error == "clicks.csv:3 (byte 66): the row ends inside quotes; is there a quote that nothing closes, or one that is not doubled?")
        #expect(open.events.isEmpty)
        let header = fixture.write("clicks.csv", Array("customer,time,\u{e9}\n".unicodeScalars.map { UInt8($0.value) }))
        #expect(fixture.run(fixture.options([header])).error?.contains("the header is not valid UTF-8") == true)
    }

    @Test func blocksSplitRowsNotQuotes() {
        var text = "customer,time,product.id,product.price,seen\n"
        for n in 0..<300 { text += "c\(n),\(1_700_000_000 + n),\(n % 7 == 0 ? "\"a\n\"\"\(n)\"\"\n\"" : "p"),\(n).25,\(n % 2 == 0)\n" }
        var wanted = options(text)
        let whole = fixture.run(wanted)
        #expect(whole.error == nil)
        #expect(whole.events.count == 300)
        for size in [64, 100, 333, 1000] {
            wanted.blockBytes = size
            let again = fixture.run(wanted)
            #expect(again.events == whole.events)
            let stop = again.chunks / 2
            let first = fixture.run(wanted, stopAfter: stop)
            wanted.blockBytes = 1 << 20
            #expect(first.events + fixture.run(wanted, from: first.ends.last).events == whole.events)
        }
    }
}
