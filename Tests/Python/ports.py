"""Free loopback ports, from MILLRACE_TEST_PORTS (such as `19300-19399`) or wherever the system has one."""
import os
import socket


def free_port():
    chosen = os.environ.get("MILLRACE_TEST_PORTS")
    if not chosen:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]
    first, last = map(int, chosen.split("-"))
    for port in range(first, last + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise RuntimeError(f"no free port within {chosen}")


_given = set()
