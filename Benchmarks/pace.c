// pace: asks for one key after another at a given rate, or as fast as answers come, and tells how long answers took.
//
//   cc -O2 -o pace Benchmarks/pace.c
//   pace --port 8080 --protocol http|redis --keys FILE --connections 16 --seconds 8 [--rate 30000] [--distinct N]
//
// With --rate requests begin at fixed times, whatever the answers do, and an answer's time counts from when its request was due: a server that
// stalls is not spared the requests it holds up. One that finds no free connection waits for one. An answer is there when the kernel has it
// (SO_TIMESTAMPNS), so that how fast this program reads does not count. Without --rate each connection asks again as
// soon as it is answered, and time counts from the sending. 429 is counted as a refusal and not among the times. `key N` of Redis is key:%012d.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536 };
struct connection {
    int socket, busy, filled;
    int64_t began;
    char *room;
};

static int is_redis, port;
static char **keys;
static long key_count, next_key;
static struct connection *connections;
static int *idle, idle_first, idle_count, room_for_idle, epoll; // a ring: all connections take their turn
static uint32_t *times; // µs of accepted answers
static long accepted, refused, failed, reconnects, room_for_times;
static int64_t measured_from;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void stop(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int index) {
    struct connection *c = &connections[index];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (c->socket < 0) stop("socket");
    if (connect(c->socket, (struct sockaddr *)&address, sizeof address)) { close(c->socket); return -1; }
    int one = 1;
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->socket, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->socket, &event)) stop("epoll_ctl");
    c->busy = c->filled = 0;
    return 0;
}

static void ask(int index, int64_t due) {
    struct connection *c = &connections[index];
    char text[1024];
    int length;
    if (is_redis) {
        char key[32];
        int count = snprintf(key, sizeof key, "key:%012ld", next_key++ % key_count);
        length = snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", count, key);
    } else {
        length = snprintf(text, sizeof text, "GET /v1/services/homepage/entities/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", keys[next_key++ % key_count]);
    }
    c->busy = 1;
    c->began = due;
    if (send(c->socket, text, length, MSG_NOSIGNAL) != length) failed++;
}

// Bytes of the answer at the beginning of what was read; 0: not all of it is here.
static int answer_length(struct connection *c, int *status) {
    c->room[c->filled] = 0;
    char *line_end = memchr(c->room, '\n', c->filled);
    if (!line_end) return 0;
    if (is_redis) {
        int count = atoi(c->room + 1), total = (line_end + 1 - c->room) + (count < 0 ? 0 : count + 2);
        *status = c->room[0] == '$' && count >= 0 ? 200 : 500;
        return c->filled >= total ? total : 0;
    }
    char *end = strstr(c->room, "\r\n\r\n"), *length = strstr(c->room, "Content-Length: ");
    if (!end || !length || length > end) return 0;
    *status = atoi(c->room + 9);
    int total = end + 4 - c->room + atoi(length + 16);
    return c->filled >= total ? total : 0;
}

// recv, and when the last of the bytes had come.
static ssize_t receive(struct connection *c, int64_t *arrived) {
    char control[64];
    struct iovec part = {c->room + c->filled, ROOM - c->filled};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(c->socket, &message, 0);
    *arrived = 0;
    struct cmsghdr *found = count > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    for (; found; found = CMSG_NXTHDR(&message, found)) {
        if (found->cmsg_level != SOL_SOCKET || found->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(found), sizeof time);
        *arrived = time.tv_sec * 1000000000LL + time.tv_nsec;
    }
    if (!*arrived) *arrived = now();
    return count;
}

static void rest(int index) { idle[(idle_first + idle_count++) % room_for_idle] = index; }

static int wake(void) {
    int index = idle[idle_first];
    idle_first = (idle_first + 1) % room_for_idle;
    idle_count--;
    return index;
}

// Whether the connection is free now.
static int hear(int index) {
    struct connection *c = &connections[index];
    int64_t time;
    ssize_t count = receive(c, &time);
    if (count <= 0) {
        close(c->socket);
        reconnects++;
        if (c->busy) failed++;
        return dial(index) == 0;
    }
    c->filled += count;
    int status = 0, total = answer_length(c, &status);
    if (!total) return 0;
    if (time >= measured_from && c->began >= measured_from) {
        if (status == 200) {
            if (accepted < room_for_times) times[accepted] = (time - c->began) / 1000;
            accepted++;
        } else if (status == 429) {
            refused++;
        } else {
            failed++;
        }
    }
    c->busy = c->filled = 0;
    return 1;
}

static void read_keys(const char *path, long distinct) {
    FILE *file = fopen(path, "r");
    if (!file) stop(path);
    char line[512];
    long room = 1 << 16;
    keys = malloc(room * sizeof *keys);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (key_count == room) keys = realloc(keys, (room *= 2) * sizeof *keys);
        keys[key_count++] = strdup(line);
    }
    fclose(file);
    if (distinct && distinct < key_count) key_count = distinct;
    if (!key_count) { fputs("pace: no keys\n", stderr); exit(1); }
    srand(1);
    for (long i = key_count - 1; i > 0; i--) {
        long j = rand() % (i + 1);
        char *key = keys[i];
        keys[i] = keys[j], keys[j] = key;
    }
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

int main(int count, char **words) {
    long connection_count = 16, rate = 0, distinct = 0;
    double seconds = 8;
    const char *path = NULL;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--port")) port = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--protocol")) is_redis = !strcmp(words[i + 1], "redis");
        else if (!strcmp(words[i], "--keys")) path = words[i + 1];
        else if (!strcmp(words[i], "--connections")) connection_count = atol(words[i + 1]);
        else if (!strcmp(words[i], "--rate")) rate = atol(words[i + 1]);
        else if (!strcmp(words[i], "--seconds")) seconds = atof(words[i + 1]);
        else if (!strcmp(words[i], "--distinct")) distinct = atol(words[i + 1]);
    }
    if (!path || !port || connection_count < 1) { fputs("pace: see the head of pace.c\n", stderr); return 64; }
    read_keys(path, distinct);
    if (rate) {
        // The processors are the server's, too: what is measured is how long it takes, not how long this program waits for its turn. Without
        // the right to it, the times have both in them.
        struct sched_param urgent = {.sched_priority = 1};
        sched_setscheduler(0, SCHED_FIFO, &urgent);
    }
    epoll = epoll_create1(0);
    connections = calloc(connection_count, sizeof *connections);
    room_for_idle = connection_count;
    idle = malloc(room_for_idle * sizeof *idle);
    room_for_times = (long)(seconds * 400000);
    times = malloc(room_for_times * sizeof *times);
    for (int i = 0; i < connection_count; i++) {
        connections[i].room = malloc(ROOM + 1);
        if (dial(i)) stop("connect");
    }
    int64_t start = now(), end = start + (int64_t)((seconds + 1) * 1e9), due = start;
    measured_from = start + 1000000000; // the first second warms up
    for (int i = 0; i < connection_count; i++) {
        if (rate) rest(i); else ask(i, now());
    }
    struct epoll_event events[1024];
    for (int64_t time = start; time < end; time = now()) {
        while (rate && due <= time && idle_count) {
            ask(wake(), due);
            due += 1000000000LL / rate;
        }
        int64_t wait = rate && idle_count ? due - now() : 100000000;
        struct timespec patience = {0, wait > 0 ? wait : 0};
        int ready = epoll_pwait2(epoll, events, 1024, &patience, NULL);
        for (int i = 0; i < ready; i++) {
            int index = events[i].data.u32;
            if (!hear(index)) continue;
            if (rate) rest(index); else ask(index, now());
        }
    }
    long kept = accepted < room_for_times ? accepted : room_for_times;
    qsort(times, kept, sizeof *times, ascending);
    printf("requests_per_second %f\nok_per_second %f\nrefused_per_second %f\n", (accepted + refused) / seconds, accepted / seconds, refused / seconds);
    printf("p50_ms %f\np99_ms %f\n", kept ? times[kept / 2] / 1e3 : 0, kept ? times[kept - 1 - kept / 100] / 1e3 : 0);
    printf("errors %ld\nreconnects %ld\n", failed, reconnects);
    return 0;
}
