internal import Foundation

// One subcommand measures one thing and appends `name value` lines to the file that --out names; `Benchmarks/run` calls them in
// turn and `Benchmarks/report` puts the lines beside the promises.

let usage = """
    usage: millrace-bench COMMAND [--option value ...]

      apply     Shard.apply against bare LMDB read-modify-write    --events 2000000 --rounds 3 --mode both|commit|replay --only both|shard|bare
      decode    JSON bytes to events                               --events 500000 --rounds 5
      lookup    Store.lookup of a service against bare LMDB gets   --store DIR --service homepage --seconds 3 --only both|vectors|answers|bare
      rows      sizes of the rows of a store, and its keys         --store DIR [--keys FILE]
      produce   the generator's events to Kafka                    --brokers HOST:PORT --events 3000000 --partitions 8
      consume   bare batch consumption of the topics               --brokers HOST:PORT --expect N
      ingest    IngestService until nothing is left                --brokers HOST:PORT --expect N --store DIR --mode commit|replay --monitored yes|no
      latency   event produced to value served                     --brokers HOST:PORT|mock --store DIR --rate 50000 --seconds 10 [--only bare]

    for all: --definitions FILE (default Examples/shop/millrace.yaml), --out FILE, --dir DIR (scratch, default the system's)
    workload: --customers 100000 --days 14 (span of event time) --batch 50000 --seed 1
              --skew 0.8 (Zipf's exponent of customers and products)
    """

do {
    let arguments = try Arguments(CommandLine.arguments.dropFirst())
    let results = Results(path: arguments.text("out", ""))
    switch arguments.command {
    case "apply": try ApplyBenchmark(arguments, results).run()
    case "decode": try DecodeBenchmark.run(arguments, results)
    case "lookup": try LookupBenchmark.run(arguments, results)
    case "rows": try RowSizes.run(arguments, results)
    case "produce": try ProduceCommand.run(arguments)
    case "consume": try ConsumeBenchmark.run(arguments, results)
    case "ingest": try IngestBenchmark.run(arguments, results)
    case "latency": try LatencyBenchmark.run(arguments, results)
    default:
        print(usage)
        exit(arguments.command == "help" ? 0 : 64)
    }
} catch {
    FileHandle.standardError.write(Data("millrace-bench: \(error)\n".utf8))
    exit(1)
}
