"""The running program, as a subprocess, and its HTTP interface."""
import http.client
import json
import os
import re
import signal
import subprocess
import time
from decimal import Decimal

from ports import free_port


class Program:
    """`millrace serve` on loopback. One object may start, kill and start again; the ports and the store stay the same."""

    def __init__(self, binary, definitions, bootstrap, directory, assignment="static", group="millrace-test"):
        self.port = free_port()
        self.log_path = directory / "millrace.log"
        self.arguments = [str(binary), "serve", "--definitions", str(definitions)]
        # What configures the tests is none of the program's affair, and it would refuse it.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        self.environment = inherited | {
            "MILLRACE_KAFKA_BROKERS": bootstrap,
            "MILLRACE_KAFKA_ASSIGNMENT": assignment,
            "MILLRACE_KAFKA_GROUP": group,
            "MILLRACE_STORE_DIRECTORY": str(directory / "data"),
            "MILLRACE_HTTP": f"127.0.0.1:{self.port}",
            "MILLRACE_GRPC": f"127.0.0.1:{free_port()}",
            # The machine of the tests has other things to do, too: that is no overload.
            "MILLRACE_MAX_WAIT_MS": "10000",
        }
        self.binary = str(binary)
        self.definitions = str(definitions)
        self.store = directory / "data"
        self.process = None

    # Other commands over the same store and brokers

    def spawn(self, command, *arguments, definitions=None):
        """`millrace COMMAND` with this program's settings, running."""
        return subprocess.Popen(
            [self.binary, command, "--definitions", str(definitions or self.definitions), *arguments], env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def command(self, command, *arguments, definitions=None, timeout=120):
        """`millrace COMMAND`, waited for: (exit code, standard output, standard error)."""
        process = self.spawn(command, *arguments, definitions=definitions)
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return process.returncode, output, errors

    # Life

    def start(self, definitions=None):
        assert self.process is None
        if definitions is not None:
            self.definitions = str(definitions)
            self.arguments[self.arguments.index("--definitions") + 1] = self.definitions
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.arguments, env=self.environment, stdout=log, stderr=log)

    def kill(self):
        """kill -9, at once."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def terminate(self, timeout=30):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def log_tail(self, lines=30):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    # HTTP

    def request(self, method, path, body=None, timeout=10):
        """(status, body as text). Raises OSError while nothing listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def json(self, method, path, body=None):
        status, text = self.request(method, path, body, timeout=60)
        assert status == 200, f"{method} {path}: {status} {text}"
        return json.loads(text, parse_float=Decimal)

    def lookup(self, *, keys, as_of, features=None, service=None):
        what = {"service": service} if service else {"features": features}
        return self.json("POST", "/v1/lookup", what | {"keys": keys, "as_of": as_of})

    def answers(self, method, path, body=None):
        """Whether the request is answered with 200 at this moment."""
        try:
            return self.request(method, path, body, timeout=2)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait(self, condition, seconds, what):
        """Polls each 5 ms; fails, with the end of the log, when the process ends or the time is over. Returns the seconds it took."""
        begin = time.monotonic()
        while not condition():
            assert self.process.poll() is None, f"millrace ended with {self.process.returncode}:\n{self.log_tail()}"
            assert time.monotonic() - begin < seconds, f"not {what} within {seconds} s:\n{self.log_tail()}"
            time.sleep(0.005)
        return time.monotonic() - begin

    def wait_healthy(self, seconds=20):
        return self.wait(lambda: self.answers("GET", "/healthz"), seconds, "healthy")

    def positions(self):
        """{(topic, partition): next offset} as served; empty while nothing answers."""
        try:
            return offsets(self.json("GET", "/v1/shards")["shards"])
        except (OSError, http.client.HTTPException, AssertionError):
            return {}

    def wait_applied(self, ends, seconds=60):
        """Until every shard says lag 0 *and* its positions are the ends of the log: `{(topic, partition): next offset}`."""
        def done():
            try:
                shards = self.json("GET", "/v1/shards")["shards"]
            except (OSError, http.client.HTTPException, AssertionError):
                return False
            positions = offsets(shards)
            for shard in shards:
                assert shard["state"] != "stopped", f"shard {shard['shard']} stopped: {shard['reason']}"
            return all(positions.get(at) == end for at, end in ends.items()) and all(s["lag_events"] == 0 for s in shards)
        return self.wait(done, seconds, f"at {ends}")

    def wait_flushed(self):
        """Until no commit is in memory only: other processes see it in the files, and a kill undoes nothing."""
        def done():
            return not any(value for (name, _), value in self.metrics().items() if name == "millrace_shard_unflushed_bytes")
        self.wait(done, 20, "flushed")

    def metrics(self):
        """{(name, frozenset of label items): value}."""
        status, text = self.request("GET", "/metrics")
        assert status == 200
        found = {}
        for line in text.splitlines():
            match = re.fullmatch(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)(?: \d+)?", line)
            if match and not line.startswith("#"):
                labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                found[match[1], labels] = float(match[3])
        return found

    def counters(self, name, *labels):
        """The sums of a metric by these labels: {(value of each label): sum}."""
        sums = {}
        for (metric, pairs), value in self.metrics().items():
            if metric == name:
                pairs = dict(pairs)
                key = tuple(pairs.get(label, "") for label in labels)
                sums[key] = sums.get(key, 0) + int(value)
        return sums


def offsets(shards):
    """{(topic, partition): next offset} of what /v1/shards says."""
    return {(p["topic"], p["partition"]): p["offset"] for shard in shards for p in shard["positions"]}
