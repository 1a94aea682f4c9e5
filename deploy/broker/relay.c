// relay LISTEN_PORT BROKER_PORT: a loopback TCP relay that lets librdkafka before 2.2.0 talk to the Tansu broker.
//
// Why it exists. Clients open a connection with ApiVersionsRequest. Since version 3 the response may end with tagged fields,
// and Tansu sends four of them. librdkafka before 2.2.0 (Debian 12 has 2.0.2) skips one byte too few for each tagged field,
// misreads the rest and drops the connection: "Read underflow: probably due to broker version < 0.10" (fixed by librdkafka
// pull request 4278). The fields are optional, so this relay leaves them out of the first response of each connection;
// everything else is copied unchanged.
// Apache Kafka and newer clients need no relay.
//
// It binds 127.0.0.1 only, uses two threads a connection, and exits on SIGTERM or SIGINT.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    API_VERSIONS = 18,             // Kafka protocol: the API key of ApiVersionsRequest
    FIRST_TAGGED_VERSION = 3,      // ... and its first version whose response has tagged fields
    MAX_HANDSHAKE = 1 << 20,       // no first request or response is near this; a larger length is not Kafka
    COPY_BUFFER = 256 * 1024,
};

static uint16_t broker_port;

static bool read_all(int fd, void *buffer, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)buffer + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *buffer, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)buffer + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

// Reads one Kafka frame: a length of 4 bytes, big-endian, and that many bytes. The caller frees it; NULL at the end or on nonsense.
static uint8_t *read_frame(int fd, uint32_t *size) {
    uint32_t length;
    if (!read_all(fd, &length, sizeof length)) return NULL;
    *size = ntohl(length);
    if (*size < 8 || *size > MAX_HANDSHAKE) return NULL;
    uint8_t *frame = malloc(*size);
    if (frame && !read_all(fd, frame, *size)) {
        free(frame);
        return NULL;
    }
    return frame;
}

static bool write_frame(int fd, const uint8_t *frame, uint32_t size) {
    uint32_t length = htonl(size);
    return write_all(fd, &length, sizeof length) && write_all(fd, frame, size);
}

// The size of an ApiVersionsResponse v3 without its closing tagged fields; their count becomes 0.
//
//   correlation id (4), error code (2), array: count + 1 as a varint, then per API: key (2), min (2), max (2), tags (1, none);
//   throttle time (4), tagged fields: count as a varint, then the fields.
static uint32_t without_tagged_fields(uint8_t *response, uint32_t size) {
    size_t at = 6;
    uint32_t count = 0;
    for (int shift = 0; shift < 28; shift += 7) {
        if (at >= size) return size;
        uint8_t byte = response[at++];
        count |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) break;
    }
    if (count > 0) at += (size_t)(count - 1) * 7;
    at += 4;
    if (at >= size) return size;
    response[at] = 0;
    return (uint32_t)at + 1;
}

// Passes the first request and response on, the response without tagged fields if it is the one that needs it.
static bool relay_handshake(int client, int broker) {
    uint32_t size;
    uint8_t *request = read_frame(client, &size);
    if (!request) return false;
    int key = request[0] << 8 | request[1], version = request[2] << 8 | request[3];
    bool ok = write_frame(broker, request, size);
    free(request);
    if (!ok || key != API_VERSIONS || version < FIRST_TAGGED_VERSION) return ok;

    uint8_t *response = read_frame(broker, &size);
    if (!response) return false;
    // A broker that does not know the version answers with an error in the old form, without tags.
    bool is_error = response[4] != 0 || response[5] != 0;
    ok = write_frame(client, response, is_error ? size : without_tagged_fields(response, size));
    free(response);
    return ok;
}

struct direction {
    int from, to;
};

static void copy(struct direction d) {
    char *buffer = malloc(COPY_BUFFER);
    for (ssize_t n; buffer && (n = read(d.from, buffer, COPY_BUFFER)) > 0;)
        if (!write_all(d.to, buffer, (size_t)n)) break;
    free(buffer);
    // Wakes the other direction and lets both ends see the end.
    shutdown(d.from, SHUT_RDWR);
    shutdown(d.to, SHUT_RDWR);
}

static void *copy_thread(void *argument) {
    copy(*(struct direction *)argument);
    return NULL;
}

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void *serve_connection(void *argument) {
    int client = (int)(intptr_t)argument, on = 1;
    int broker = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(broker_port);
    if (broker >= 0 && connect(broker, (struct sockaddr *)&address, sizeof address) == 0) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct direction up = {client, broker}, down = {broker, client};
        pthread_t thread;
        if (relay_handshake(client, broker) && pthread_create(&thread, NULL, copy_thread, &up) == 0) {
            copy(down);
            pthread_join(thread, NULL);
        }
    }
    if (broker >= 0) close(broker);
    close(client);
    return NULL;
}

static uint16_t parse_port(const char *text) {
    char *end;
    long port = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || port < 1 || port > 65535) {
        fprintf(stderr, "relay: \"%s\" is not a port\n", text);
        exit(2);
    }
    return (uint16_t)port;
}

static void on_signal(int number) {
    (void)number;
    _exit(0);  // nothing to save: the clients reconnect
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: relay LISTEN_PORT BROKER_PORT\n");
        return 2;
    }
    uint16_t listen_port = parse_port(argv[1]);
    broker_port = parse_port(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);

    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = loopback(listen_port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0) {
        perror("relay: cannot listen");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            usleep(10000);  // out of descriptors: let connections end
            continue;
        }
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_connection, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
        else
            close(client);
    }
}
