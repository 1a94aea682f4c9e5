// floor: the least that a server can do for an HTTP lookup: it reads what is there and sends a constant answer. How far Millrace is above it is
// what parsing, reading the row and writing the answer cost, and its event loop beyond the system calls.
//
//   cc -O2 -pthread -o floor Benchmarks/floor.c
//   floor PORT BYTES          threads as many as processors; an answer's body has so many bytes; one request a read, no pipelining
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READY = 64, ROOM = 1 << 16 };
static int port;
static char answer[ROOM];
static size_t length;

static void *run(void *unused) {
    (void)unused;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), loop = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) {
        perror("floor: listening");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[READY];
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    char request[4096];
    for (;;) {
        int ready = epoll_wait(loop, events, READY, -1), asking[READY], count = 0;
        for (int i = 0; i < ready; i++) {
            int from = events[i].data.fd;
            if (from == listener) {
                int client = accept4(listener, 0, 0, SOCK_NONBLOCK);
                if (client < 0) continue;
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = client;
                epoll_ctl(loop, EPOLL_CTL_ADD, client, &event);
                continue;
            }
            ssize_t got = read(from, request, sizeof request);
            if (got > 0) asking[count++] = from;
            else if (got == 0) close(from);
        }
        for (int i = 0; i < count; i++) send(asking[i], answer, length, MSG_NOSIGNAL);
    }
}

int main(int argc, char **argv) {
    int bytes = argc == 3 ? atoi(argv[2]) : -1;
    port = argc == 3 ? atoi(argv[1]) : 0;
    if (port <= 0 || bytes < 0 || bytes > ROOM - 512) {
        fprintf(stderr, "usage: floor PORT BYTES\n");
        return 64;
    }
    length = snprintf(answer, ROOM,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n", bytes);
    memset(answer + length, 'x', bytes);
    length += bytes;
    for (long i = sysconf(_SC_NPROCESSORS_ONLN); i > 1; i--) {
        pthread_t thread;
        pthread_create(&thread, 0, run, 0);
    }
    run(0);
}
