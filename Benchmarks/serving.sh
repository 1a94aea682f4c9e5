# Part of Benchmarks/run, which sources it: everything that asks the running server. Uses its variables and functions.

# The server over the store, on the ports of this run; more settings as arguments. Its process is in $serve.
start_server() {
    env MILLRACE_STORE_DIRECTORY="$work/store" MILLRACE_KAFKA_BROKERS="$bootstrap" MILLRACE_KAFKA_ASSIGNMENT=static \
        MILLRACE_HTTP="127.0.0.1:$http_port" MILLRACE_GRPC="127.0.0.1:$grpc_port" MILLRACE_LOG_LEVEL=error "$@" \
        "$millrace" serve -d "$definitions" >"$work/serve.log" 2>&1 &
    serve=$!
    pids+=("$serve")
}

stop_server() {
    kill -TERM "$serve"
    wait "$serve" 2>/dev/null || true
}

# Until a path answers 200, or the server has ended.
wait_for() {
    for _ in $(seq 600); do
        curl -fs "http://127.0.0.1:$http_port$1" >/dev/null 2>&1 && return 0
        kill -0 "$serve" 2>/dev/null || { cat "$work/serve.log"; echo "the server ended" >&2; return 1; }
        sleep 0.1
    done
    echo "the server did not answer $1 within 60 s" >&2
    return 1
}

start_redis() {
    redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no --daemonize no --dir "$work" >"$work/redis.log" 2>&1 &
    redis=$!
    pids+=("$redis")
    for _ in $(seq 100); do redis-cli -p "$redis_port" ping >/dev/null 2>&1 && break; sleep 0.1; done
    redis-cli -p "$redis_port" eval \
        'for i = 0, ARGV[1] - 1 do redis.call("SET", string.format("key:%012d", i), string.rep("x", 400)) end' 0 "$keys" >/dev/null
}

paced() { # http or redis, options...
    local protocol=$1
    shift
    ${pace_on:+taskset -c "$pace_on"} "$work/pace" --protocol "$protocol" --port "$([ "$protocol" = http ] && echo "$http_port" || echo "$redis_port")" --keys "$work/keys" "$@" >"$work/paced"
}

half() { awk -v rate="$1" 'BEGIN { print int(rate / 2) }'; }

http_against_redis() {
    say "lookups over HTTP and Redis GET, in turns: as fast as they can, then each at half of that"
    local pass name http_rate redis_rate floor
    for pass in $(seq 0 "$rounds"); do
        MILLRACE_KEYS=$work/keys wrk -t1 -c16 -d"${lookup_seconds}s" -s Benchmarks/lookup.lua "http://127.0.0.1:$http_port" >"$work/wrk"
        redis-benchmark -h 127.0.0.1 -p "$redis_port" -c 16 -n "$((lookup_seconds * 60000))" -r "$keys" --csv GET key:__rand_int__ 2>/dev/null |
            tail -n 1 | tr -d '"' >"$work/redis"
        # The first pass warms both up.
        [ "$pass" = 0 ] && continue
        http_rate=$(field "$work/wrk" requests_per_second) redis_rate=$(awk -F, '{ print $(NF - 6) }' "$work/redis")
        "$work/floor" "$((port + 4))" "$(wc -c <"$work/answer")" &
        floor=$!
        pids+=("$floor")
        sleep 0.2
        MILLRACE_KEYS=$work/keys wrk -t1 -c16 -d"${lookup_seconds}s" -s Benchmarks/lookup.lua "http://127.0.0.1:$((port + 4))" >"$work/wrk-floor"
        kill "$floor"
        wait "$floor" 2>/dev/null || true
        record floor.requests_per_second "$(field "$work/wrk-floor" requests_per_second)"
        for name in requests_per_second p50_ms p99_ms errors; do record "http.$name" "$(field "$work/wrk" "$name")"; done
        record redis.requests_per_second "$redis_rate"
        record redis.p99_ms "$(awk -F, '{ print $(NF - 1) }' "$work/redis")"
        paced http --rate "$(half "$http_rate")" --seconds "$lookup_seconds"
        record half.http_p99_ms "$(field "$work/paced" p99_ms)"
        paced redis --rate "$(half "$redis_rate")" --seconds "$lookup_seconds" --distinct "$keys"
        record half.redis_p99_ms "$(field "$work/paced" p99_ms)"
        echo "   HTTP lookups of 20 features: $http_rate/s, p99 $(field "$work/wrk" p99_ms) ms, errors $(field "$work/wrk" errors);" \
            "Redis GET: $redis_rate/s; at half of it, p99 $(tail -n 2 "$results" | awk '{ printf "%s ", $2 }')ms"
    done
}

grpc_against_http() {
    has h2load || { skip "no h2load: deploy/install bench"; return 0; }
    say "lookups over gRPC and over HTTP of one customer, in turns"
    local key streams
    key=$(head -n 1 "$work/keys")
    # LookupRequest { service = 1, keys = 3 } behind gRPC's five bytes.
    python3 -c 'import struct, sys
key = sys.argv[1].encode()
message = b"\x0a\x08homepage\x1a" + bytes([len(key)]) + key
sys.stdout.buffer.write(b"\0" + struct.pack(">I", len(message)) + message)' "$key" >"$work/message"
    for _ in $(seq "$rounds"); do
        wrk -t2 -c16 -d"${lookup_seconds}s" "http://127.0.0.1:$http_port/v1/services/homepage/entities/$key" >"$work/wrk"
        record grpc.http_rate "$(awk '$1 == "Requests/sec:" { print $2 }' "$work/wrk")"
        for streams in 1 10; do
            h2load -t2 -c16 -m"$streams" -D"$lookup_seconds" --warm-up-time=1 -d "$work/message" -H "content-type: application/grpc" -H "te: trailers" \
                "http://127.0.0.1:$grpc_port/millrace.serving.v1.FeatureService/Lookup" >"$work/h2load" 2>&1
            record "grpc.rate_m$streams" "$(sed -n 's/^finished in .*, \([0-9.]*\) req.s,.*/\1/p' "$work/h2load")"
            record grpc.errors "$(sed -n 's/.* \([0-9]*\) failed, .*/\1/p' "$work/h2load")"
        done
        echo "   gRPC: $(tail -n 4 "$results" | awk '/rate/ { printf "%s/s ", $2 }')(1 and 10 streams a connection); HTTP: $(tail -n 5 "$results" | awk '/http_rate/ { print $2 }')/s"
    done
}

batches() {
    say "batches of 100 over HTTP, packed and in JSON, in turns"
    local form
    for _ in $(seq "$rounds"); do
        for form in packed json; do
            MILLRACE_KEYS=$work/keys MILLRACE_ACCEPT=$([ "$form" = packed ] && echo "application/vnd.millrace.packed" || echo "application/json") \
                wrk -t1 -c4 -d"${lookup_seconds}s" -s Benchmarks/batch.lua "http://127.0.0.1:$http_port" >"$work/wrk"
            record "batch.$form" "$(field "$work/wrk" vectors_per_second)"
            record "batch.${form}_errors" "$(field "$work/wrk" errors)"
        done
        echo "   vectors/s: $(tail -n 4 "$results" | awk '!/errors/ { printf "%s ", $2 }')"
    done
}

# What the process holds itself, in MiB.
own_memory() { awk '$1 == "RssAnon:" { print int($2 / 1024) }' "/proc/$serve/status"; }

overload() {
    say "ten times the connections that saturate the server, all asking without pause, for $overload_seconds s"
    local saturating rate
    paced http --seconds "$lookup_seconds"
    saturating=$(field "$work/paced" ok_per_second) rate=$(half "$(field "$work/paced" ok_per_second)")
    record overload.saturating "$saturating"
    paced http --rate "$rate" --seconds "$lookup_seconds"
    record overload.idle_p99_ms "$(field "$work/paced" p99_ms)"
    record overload.memory_before_mib "$(own_memory)"
    paced http --connections 160 --seconds "$overload_seconds"
    local name
    for name in ok_per_second refused_per_second p99_ms errors; do record "overload.$name" "$(field "$work/paced" "$name")"; done
    record overload.memory_after_mib "$(own_memory)"
    paced http --rate "$rate" --seconds "$lookup_seconds"
    record overload.recovered_p99_ms "$(field "$work/paced" p99_ms)"
    # Ten times that again: most of it is refused.
    paced http --connections 1000 --seconds "$lookup_seconds"
    for name in ok_per_second refused_per_second p99_ms errors; do record "flood.$name" "$(field "$work/paced" "$name")"; done
    record flood.memory_mib "$(own_memory)"
    kill -0 "$serve" || { cat "$work/serve.log"; echo "the server ended" >&2; return 1; }
    tail -n 13 "$results" | sed 's/^/   /'
}

# Where the broker of this run may run.
pin_broker() {
    local file pid
    [ -n "$own_broker" ] || return 0
    for file in "$work"/broker/*.pid; do
        read -r pid _ <"$file"
        taskset -acp "$1" "$pid" >/dev/null
    done
}

# What the measurement is called, and settings of the server.
lookups_while_ingesting() {
    local name=$1
    shift
    say "lookups while ingest works through everything, and when it has, in turns; $*"
    for _ in $(seq "$rounds"); do
        rm -rf "$work/store"
        start_server "$@"
        wait_for /healthz
        paced http --rate 2000 --seconds 2
        if ! curl -fs "http://127.0.0.1:$http_port/v1/shards" | grep -q '"lag_events":[1-9]'; then
            skip "ingest was done before the lookups were; use more EVENTS"
        else
            record "$name.busy_p99_ms" "$(field "$work/paced" p99_ms)"
            wait_for /readyz
            while curl -fs "http://127.0.0.1:$http_port/v1/shards" | grep -q '"lag_events":[1-9]'; do sleep 0.2; done
            sleep 1
            paced http --rate 2000 --seconds 2
            record "$name.quiet_p99_ms" "$(field "$work/paced" p99_ms)"
            echo "   p99 $(tail -n 2 "$results" | awk '{ printf "%s ", $2 }')ms"
        fi
        stop_server
    done
}

serving() {
    [ -x "$millrace" ] || { skip "$millrace is not built: swift build -c release --product millrace"; return 0; }
    has wrk || { skip "no wrk: deploy/install bench"; return 0; }
    has redis-server || { skip "no redis-server: deploy/install bench"; return 0; }
    cc -O2 -o "$work/pace" Benchmarks/pace.c
    cc -O2 -pthread -o "$work/floor" Benchmarks/floor.c
    keys=$(wc -l <"$work/keys")
    # Here the processors are the server's and the load's alone, so that whoever has waited for 10 ms is late.
    start_server MILLRACE_MAX_WAIT_MS=10
    start_redis
    wait_for /readyz
    curl -fs "http://127.0.0.1:$http_port/v1/services/homepage/entities/$(head -n 1 "$work/keys")" >"$work/answer"
    echo "   an answer has $(wc -c <"$work/answer") bytes; $keys customers"
    http_against_redis
    kill -TERM "$redis"
    grpc_against_http
    batches
    overload
    stop_server
    lookups_while_ingesting usual MILLRACE_REALTIME=false
    lookups_while_ingesting realtime MILLRACE_REALTIME=true
    # As with clients and brokers on machines of their own: clients' work falls to the processor of the lookups, the broker's to the others.
    local last=$(($(nproc) - 1))
    if [ "$last" = 0 ] || ! has taskset; then skip "no processor for lookups alone"; return 0; fi
    pin_broker "1-$last"
    pace_on=0 lookups_while_ingesting processors MILLRACE_REALTIME=true MILLRACE_PROCESSORS=0
    pin_broker "0-$last"
}
