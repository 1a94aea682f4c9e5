// Parses NDJSON with simdjson and does nothing else: the limit that `millrace backfill` is held against. parse FILE THREADS
// The file is in memory and split at line ends; each thread builds the tape of every line of its part (dom, parse_many).
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

int main(int argc, char **argv) {
    if (argc != 3) return 64;
    auto loaded = simdjson::padded_string::load(argv[1]);
    if (loaded.error()) return std::fprintf(stderr, "%s\n", simdjson::error_message(loaded.error())), 1;
    const simdjson::padded_string &text = loaded.value_unsafe();
    const size_t threads = std::strtoul(argv[2], nullptr, 10);
    std::vector<size_t> starts{0};
    for (size_t i = 1; i < threads; i++) {
        const void *end = std::memchr(text.data() + text.size() * i / threads, '\n', text.size() - text.size() * i / threads);
        starts.push_back(end ? static_cast<const char *>(end) - text.data() + 1 : text.size());
    }
    starts.push_back(text.size());
    std::vector<size_t> counts(threads);
    std::vector<std::thread> running;
    const auto began = std::chrono::steady_clock::now();
    for (size_t i = 0; i < threads; i++)
        running.emplace_back([&, i] {
            simdjson::dom::parser parser;
            simdjson::dom::document_stream documents;
            if (parser.parse_many(text.data() + starts[i], starts[i + 1] - starts[i], 1 << 20).get(documents)) return;
            for (auto document : documents) counts[i] += !document.error();
        });
    for (auto &thread : running) thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    size_t count = 0;
    for (size_t part : counts) count += part;
    std::printf("%zu %.6f %s\n", count, seconds, simdjson::get_active_implementation()->name().c_str());
}
