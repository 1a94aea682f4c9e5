"""Tokens, TLS, client certificates, JWTs, the audit log and secrets: the running program against curl, grpcio and openssl. No broker is needed:
the server answers before one does."""
import hashlib
import http.client
import json
import os
import re
import select
import socket
import ssl
import subprocess
import threading
import time

import grpc
import pytest
import yaml

from certificates import Authority, Signer
from conftest import REPOSITORY
from ports import free_port
from program import Program

TOKEN = "mrt_test-token-of-the-homepage"
SCRAPER = "mrt_test-token-of-prometheus"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def principals():
    return {
        "homepage": {"tokens": [{"sha256": sha256(TOKEN)}], "services": ["homepage"], "certificates": ["cn:homepage", "uri:spiffe://shop/homepage"]},
        "prometheus": {"tokens": [{"sha256": sha256(SCRAPER)}], "metrics": True, "admin": True},
        "other": {"certificates": ["dns:other.internal"], "metrics": True},
    }


class Guarded(Program):
    """The shop with whatever is put into its definitions; asked with curl."""

    def __init__(self, binary, directory, **sections):
        contents = yaml.safe_load((REPOSITORY / "Examples" / "shop" / "millrace.yaml").read_text())
        for name, section in sections.items():
            contents[name] = contents.get(name, {}) | section
        path = directory / "millrace.yaml"
        path.write_text(yaml.safe_dump(contents, sort_keys=False))
        super().__init__(binary, path, "127.0.0.1:1", directory)
        self.grpc_address = self.environment["MILLRACE_GRPC"]
        self.tls = []

    def curl(self, path, *options, token=None, port=None):
        """(status, version of HTTP, body); status 0: no answer."""
        scheme = "https" if self.tls else "http"
        credentials = ["-H", f"Authorization: Bearer {token}"] if token else []
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "10", "-w", "\n%{http_code} %{http_version}", *self.tls, *credentials, *map(str, options),
             f"{scheme}://127.0.0.1:{port or self.port}{path}"], capture_output=True, text=True)
        body, _, last = done.stdout.rpartition("\n")
        status, version = last.split()
        return int(status), version, body

    def started(self, *options):
        self.start()
        self.wait(lambda: self.curl("/healthz", *options)[0] == 200, 30, "healthy")
        return self

    def call(self, credentials=None, token=None, method="ListServices", message=b""):
        """The gRPC code."""
        options = []
        channel = grpc.secure_channel(self.grpc_address, credentials, options) if credentials else grpc.insecure_channel(self.grpc_address)
        with channel:
            metadata = [("authorization", f"Bearer {token}")] if token else []
            try:
                channel.unary_unary(f"/millrace.serving.v1.FeatureService/{method}")(message, metadata=metadata, timeout=10)
                return grpc.StatusCode.OK
            except grpc.RpcError as error:
                return error.code()


@pytest.fixture
def make(binary, tmp_path):
    made = []

    def guarded(**sections):
        made.append(Guarded(binary, tmp_path, **sections))
        return made[-1]

    yield guarded
    for program in made:
        if program.process is not None:
            program.kill()


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """Of servers, of clients, and one that nobody knows."""
    directory = tmp_path_factory.mktemp("authorities")
    return [Authority(directory / name, name) for name in ("servers", "clients", "strangers")]


ENTITY = "/v1/services/homepage/entities/c1"


def test_a_token_that_the_program_made_opens_what_it_may(binary, make):
    output = subprocess.run([binary, "token"], check=True, capture_output=True, text=True).stdout
    token, printed = re.fullmatch(r"token   (mrt_[\w-]{43})\nsha256  ([0-9a-f]{64})\n", output).groups()
    assert printed == sha256(token)
    again = subprocess.run([binary, "token", "--hash"], input=token + "\n", check=True, capture_output=True, text=True).stdout
    assert again == printed + "\n"
    program = make(access={"principals": {"mine": {"tokens": [{"sha256": printed}], "services": ["homepage"]}}}).started()
    # No shard is here yet, without a broker: 503 is an answer, not a refusal.
    assert program.curl(ENTITY, token=token)[0] == 503
    assert program.curl("/v1/services/homepage", token=token)[0] == 200
    status, _, body = program.curl("/v1/services/homepage")
    assert status == 401 and json.loads(body)["type"] == "urn:millrace:problem:unauthenticated" and "SECURITY.md" in json.loads(body)["remedy"]
    status, _, body = program.curl("/v1/shards", token=token)
    assert status == 403 and "`admin: true`" in json.loads(body)["remedy"]
    names = [service["service"] for service in json.loads(program.curl("/v1/services", token=token)[2])["services"]]
    assert names == ["homepage"]
    assert program.call() == grpc.StatusCode.UNAUTHENTICATED and program.call(token=token) == grpc.StatusCode.OK


def test_wrong_credentials_end_in_429(make):
    program = make(access={"principals": principals(), "failures": {"limit": 5, "window": "5s"}}).started()
    assert [program.curl("/metrics", token="mrt_guess")[0] for _ in range(7)] == [401] * 5 + [429] * 2
    status, _, body = program.curl("/metrics", token=SCRAPER)
    assert status == 429 and json.loads(body)["type"] == "urn:millrace:problem:too-many-failures"
    assert program.call(token=SCRAPER) == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert program.curl("/healthz")[0] == 200
    program.wait(lambda: program.curl("/metrics", token=SCRAPER)[0] == 200, 20, "listened to again")
    assert 'millrace_access_refused_total{reason="too-many-failures"}' in program.curl("/metrics", token=SCRAPER)[2]


def test_a_server_that_others_reach_says_who_may_ask(binary, make, tmp_path):
    program = make()
    program.environment["MILLRACE_HTTP"] = "0.0.0.0:8080"
    for command in ("check", "serve"):
        code, _, errors = program.command(command, timeout=20)
        assert code == 2 and "MILLRACE_HTTP: error: the server listens on 0.0.0.0:8080 for http" in errors and "access: {open: true}" in errors
    assert program.command("describe")[0] == 0
    del program.environment["MILLRACE_HTTP"]
    contents = yaml.safe_load(open(program.definitions))
    contents["server"] = {"http": "127.0.0.1:0", "grpc": "[::]:0"}
    (tmp_path / "far.yaml").write_text(yaml.safe_dump(contents))
    del program.environment["MILLRACE_GRPC"]
    code, _, errors = program.command("check", definitions=tmp_path / "far.yaml")
    assert code == 2 and re.search(r"far.yaml:\d+:\d+: error: the server listens on :::0 for grpc", errors)
    contents["access"] = {"open": True}
    (tmp_path / "far.yaml").write_text(yaml.safe_dump(contents))
    assert program.command("check", definitions=tmp_path / "far.yaml")[0] == 0


def test_tls_on_both_ports(make, authorities, tmp_path):
    servers = authorities[0]
    certificate, key = servers.issue("server", "millrace", "IP:127.0.0.1,DNS:localhost")
    program = make(server={"tls": {"certificate": str(certificate), "key": str(key)}}, access={"principals": principals()})
    program.tls = ["--cacert", str(servers.certificate)]
    program.started()
    assert program.curl("/v1/services", "--http1.1", token=TOKEN)[:2] == (200, "1.1")
    assert program.curl("/v1/services", "--http2", token=TOKEN)[:2] == (200, "2")
    # Through Hummingbird, too.
    assert program.curl("/v1/services", "--http1.1", "-H", "Connection: close", token=TOKEN)[:2] == (200, "1.1")
    assert program.curl("/v1/services", "--http1.1", "-H", "Connection: close", token="mrt_wrong")[:2] == (401, "1.1")
    grpc_port = program.grpc_address.rpartition(":")[2]
    assert program.curl("/v1/services", "--http2", token=TOKEN, port=grpc_port)[:2] == (200, "2")
    trusted = grpc.ssl_channel_credentials(servers.certificate.read_bytes())
    assert program.call(trusted, TOKEN) == grpc.StatusCode.OK
    assert program.call(trusted) == grpc.StatusCode.UNAUTHENTICATED
    assert program.call(None, TOKEN) == grpc.StatusCode.UNAVAILABLE
    # A body that comes in many records.
    keys = {"service": "homepage", "keys": [f"customer-{n}" for n in range(900)]}
    (tmp_path / "body.json").write_text(json.dumps(keys))
    for version in ("--http1.1", "--http2"):
        assert program.curl("/v1/lookup", version, "-d", f"@{tmp_path}/body.json", token=TOKEN)[0] == 503
    assert program.curl("/healthz", "--tls-max", "1.1", "--tlsv1.0", "--ciphers", "DEFAULT:@SECLEVEL=0")[0] == 0
    assert program.curl("/healthz", "--tls-max", "1.2")[0] == 200
    program.tls = []
    assert program.curl("/healthz")[0] == 0
    program.tls = ["--cacert", str(authorities[1].certificate)]
    assert program.curl("/healthz")[0] == 0


@pytest.mark.parametrize("demand", ["request", "require"])
def test_client_certificates(make, authorities, demand):
    servers, clients, strangers = authorities
    certificate, key = servers.issue("server", "millrace", "IP:127.0.0.1")
    program = make(
        server={"tls": {"certificate": str(certificate), "key": str(key), "client_ca": str(clients.certificate), "client_certificates": demand}},
        access={"principals": principals()})
    by_name = clients.issue("by-name", "homepage")
    by_uri = clients.issue("by-uri", "x", "URI:spiffe://shop/homepage")
    other = clients.issue("other", "x", "DNS:other.internal")
    nobody = clients.issue("nobody", "nobody")
    expired = clients.issue("expired", "homepage", expired=True)
    stranger = strangers.issue("stranger", "homepage")
    program.tls = ["--cacert", str(servers.certificate)]
    program.started("--cert", by_name[0], "--key", by_name[1])

    def outcome(pair, token=None):
        """The same over HTTP/1.1, HTTP/2 and gRPC."""
        shown = ["--cert", pair[0], "--key", pair[1]] if pair else []
        found = {program.curl("/v1/services", version, *shown, token=token)[0] for version in ("--http1.1", "--http2")}
        credentials = grpc.ssl_channel_credentials(
            servers.certificate.read_bytes(), *([pair[1].read_bytes(), pair[0].read_bytes()] if pair else []))
        code = program.call(credentials, token)
        found.add({"OK": 200, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "UNAVAILABLE": 0}[code.name])
        assert len(found) == 1, found
        return found.pop()

    assert outcome(by_name) == 200 and outcome(by_uri) == 200
    assert outcome(other) == 403
    assert outcome(nobody) == 401
    assert outcome(expired) == 0 and outcome(stranger) == 0
    assert outcome(None) == (401 if demand == "request" else 0)
    assert outcome(None, TOKEN) == (200 if demand == "request" else 0)
    # The token counts where both are shown.
    assert outcome(by_name, SCRAPER) == 403 and outcome(by_name, "mrt_wrong") == 401


def serial(program, authority):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    with socket.create_connection(("127.0.0.1", program.port), timeout=5) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        return secure.getpeercert()["serialNumber"]


def test_certificates_are_reloaded(make, authorities):
    servers = authorities[0]
    certificate, key = servers.issue("live", "millrace", "IP:127.0.0.1")
    program = make(server={"tls": {"certificate": str(certificate), "key": str(key)}}, access={"principals": principals()})
    program.tls = ["--cacert", str(servers.certificate)]
    program.started()
    context = ssl.create_default_context(cafile=str(servers.certificate))
    old = http.client.HTTPSConnection("127.0.0.1", program.port, context=context, timeout=10)

    def ask():
        old.request("GET", "/healthz")
        response = old.getresponse()
        response.read()
        return response.status

    assert ask() == 200
    before = serial(program, servers)
    servers.issue("live", "millrace", "IP:127.0.0.1")
    took = program.wait(lambda: serial(program, servers) != before, 15, "reloaded")
    assert ask() == 200
    print(f"new certificate after {took:.2f} s; the old connection goes on")
    now = serial(program, servers)
    certificate.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    program.wait(lambda: "the certificates stay what they were" in program.log_path.read_text(), 15, "warned")
    assert serial(program, servers) == now and ask() == 200
    # A certificate whose key is another one's is as wrong.
    other, _ = servers.issue("mismatch", "millrace", "IP:127.0.0.1")
    certificate.write_bytes(other.read_bytes())
    program.wait(lambda: program.log_path.read_text().count("the certificates stay what they were") == 2, 15, "warned again")
    assert serial(program, servers) == now
    servers.issue("live", "millrace", "IP:127.0.0.1")
    program.wait(lambda: serial(program, servers) != now, 15, "reloaded again")
    assert ask() == 200
    old.close()


def test_json_web_tokens(make, tmp_path):
    signers = [Signer(tmp_path / "issuer", kind, f"key-{kind}") for kind in ("RS256", "ES256", "EdDSA")]
    stranger = Signer(tmp_path / "stranger", "ES256", "key-ES256")
    keys = tmp_path / "jwks.json"

    def publish(*chosen):
        # As a whole, so that nobody reads half of it.
        (tmp_path / "next.json").write_text(json.dumps({"keys": [signer.jwk for signer in chosen]}))
        os.replace(tmp_path / "next.json", keys)

    publish(*signers)
    jwt = {"keys": str(keys), "issuer": "https://login.shop.example", "audience": "millrace", "leeway": "1s", "permissions_claim": "scope"}
    program = make(access={"principals": principals(), "jwt": jwt, "failures": {"limit": 1000}}).started()

    def claims(**more):
        usual = {"iss": jwt["issuer"], "aud": "millrace", "sub": "homepage", "exp": int(time.time()) + 300}
        return {name: value for name, value in (usual | more).items() if value is not None}

    def status(token, path="/v1/services/homepage"):
        found = {program.curl(path, version, token=token)[0] for version in ("--http1.1", "--http2-prior-knowledge")}
        assert len(found) == 1
        return found.pop()

    for signer in signers:
        assert status(signer.sign(claims())) == 200, signer.kind
        assert status(signer.sign(claims(aud=["other", "millrace"]))) == 200
        assert status(signer.sign(claims(), {"kid": None})) == 200
        token = signer.sign(claims())
        head, body, signature = token.split(".")
        assert status(f"{head}.{body}.{signature[:-8]}AAAAAAA{signature[-1]}") == 401
        assert status(f"{head}.{body}.") == 401
        assert status(f"{head}.{body[:-4]}AAAA.{signature}") == 401
    signer = signers[1]
    now = int(time.time())
    for wrong in (
        {"iss": "https://elsewhere"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"exp": None}, {"exp": now - 10}, {"nbf": now + 60}, {"sub": None},
        {"exp": "tomorrow"}, {"nbf": "x"},
    ):
        assert status(signer.sign(claims(**wrong))) == 401, wrong
    assert status(stranger.sign(claims())) == 401
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"kid": "unknown"}, {"crit": ["exp"]}):
        assert status(signer.sign(claims(), header)) == 401, header
    # Whose name nobody knows, and what the token says itself.
    assert status(signer.sign(claims(sub="unheard-of"))) == 403
    assert status(signer.sign(claims(sub="unheard-of", scope="openid service:homepage"))) == 200
    assert status(signer.sign(claims(sub="homepage", scope=["metrics"]))) == 403
    assert status(signer.sign(claims(sub="homepage", scope=["metrics"])), "/metrics") == 200
    assert program.call(token=signer.sign(claims())) == grpc.StatusCode.OK
    # One that expires while its connection lasts, and is remembered by it.
    short = signer.sign(claims(exp=int(time.time()) + 2))
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=10)

    def ask():
        connection.request("GET", "/v1/services/homepage", headers={"Authorization": f"Bearer {short}"})
        response = connection.getresponse()
        response.read()
        return response.status

    assert ask() == 200 and ask() == 200
    program.wait(lambda: ask() == 401, 10, "expired")
    # A key that is taken out ends its tokens.
    tokens = [signer.sign(claims()) for signer in signers]
    assert [status(token) for token in tokens] == [200] * 3
    publish(signers[0])
    program.wait(lambda: status(tokens[1]) == 401, 10, "without the key")
    assert [status(token) for token in tokens] == [200, 401, 401]
    keys.write_text("nonsense")
    program.wait(lambda: "the keys for JWTs stay what they were" in program.log_path.read_text(), 10, "warned")
    assert status(tokens[0]) == 200
    for faulty, why in (({"keys": []}, "has no RSA, EC or OKP key"), ({"keys": [signers[1].jwk | {"d": "AA"}]}, "is a private key")):
        keys.write_text(json.dumps(faulty))
        program.wait(lambda: why in program.log_path.read_text(), 10, why)
    publish(*signers)
    program.wait(lambda: status(tokens[2]) == 200, 10, "with the key again")


def test_the_audit_log(make, tmp_path):
    program = make(access={"principals": principals()}, audit={"file": "audit.ndjson", "lookups": "all", "max_file_size": "16KiB"}).started()
    assert program.curl(ENTITY, token=TOKEN)[0] == 503
    assert program.curl(ENTITY)[0] == 401
    assert program.curl("/v1/shards", token=SCRAPER)[0] == 200
    assert program.curl("/v1/shards", token=TOKEN)[0] == 403
    assert program.curl("/v1/explain/customer/clicks_5m/c1", token=TOKEN)[0] == 403
    by_feature = b"\x12\x09clicks_5m\x1a\x02c1"
    assert program.call(token=TOKEN, method="Lookup", message=by_feature) == grpc.StatusCode.PERMISSION_DENIED
    log = tmp_path / "audit.ndjson"
    program.wait(lambda: log.read_text().count("\n") >= 7, 10, "written")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    found = [(r["operation"], r["principal"], r["target"], r["outcome"], r["transport"]) for r in records]
    assert found == [
        ("start", "", "", "ok", ""), ("lookup", "homepage", "homepage", "shard-unavailable", "http/1.1"), ("lookup", "", "homepage", "unauthenticated", "http/1.1"),
        ("shards", "prometheus", "", "ok", "http/1.1"), ("shards", "homepage", "", "permission-denied", "http/1.1"),
        ("explain", "homepage", "customer.clicks_5m", "permission-denied", "http/1.1"), ("lookup", "homepage", "features:clicks_5m", "permission-denied", "grpc")]
    assert all(r["address"] == "127.0.0.1" for r in records[1:]) and "c1" not in {r["target"] for r in records}
    assert "keys" not in log.read_text()
    # Killed at random moments while it writes: never more than a torn record.
    for _ in range(4):
        ask = subprocess.Popen(
            ["curl", "-s", "-o", "/dev/null", "-H", f"Authorization: Bearer {TOKEN}", f"http://127.0.0.1:{program.port}{ENTITY}?n=[1-2000]"])
        time.sleep(0.4)
        program.kill()
        ask.kill()
        ask.wait()
        program.started()
    assert program.terminate() == 0

    def verify(*arguments):
        done = subprocess.run([program.binary, "audit", "verify", *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    files = sorted(tmp_path.glob("audit*.ndjson"))
    assert len(files) > 2
    code, text = verify(*files)
    assert code == 0, text
    head = re.search(r"^head (\d+:[0-9a-f]{64})$", text, re.M)[1]
    assert f"the audit log ends with record {head}" in program.log_path.read_text()
    print(f"{len(files)} files, {text.strip()}")
    assert verify(*files, "--head", head)[0] == 0
    # A file taken out, a record changed, the end cut off.
    code, text = verify(files[0], *files[2:])
    assert code == 1 and "is missing" in text
    whole = files[1].read_text()
    files[1].write_text(whole.replace('"shard-unavailable"', '"ok"', 1))
    code, text = verify(*files)
    assert code == 1 and re.search(r"record \d+ was changed", text)
    files[1].write_text(whole)
    last = log.read_text().splitlines(keepends=True)
    log.write_text("".join(last[:-1]))
    assert verify(*files)[0] == 0
    code, text = verify(*files, "--head", head)
    assert code == 1 and "are missing at the end" in text


SECRETS = {"sasl.password": "s3cr3t-p4ssw0rd", "ssl.key.password": "k3y-p4ssphrase", "sasl.oauthbearer.client.secret": "0auth-s3cret"}


def test_secrets_are_never_printed(make, authorities, tmp_path):
    certificate, key = authorities[1].issue("kafka", "millrace")
    (tmp_path / "password").write_text(SECRETS["sasl.password"] + "\n")
    (tmp_path / "ca.pem").write_bytes(authorities[0].certificate.read_bytes())
    properties = {
        "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "millrace", "sasl.password": {"file": "password"},
        "ssl.key.password": SECRETS["ssl.key.password"], "ssl.ca.location": "ca.pem", "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key), "debug": "security,broker,conf"}
    program = make(kafka={"properties": properties}, access={"principals": principals()})
    program.environment["MILLRACE_LOG_LEVEL"] = "debug"
    said = []
    for command in (["check"], ["describe"], ["get", "--service", "homepage", "c1"], ["explain", "clicks_5m", "c1"], ["verify"], ["rebuild", "--quiet"]):
        try:
            code, output, errors = program.command(*command, timeout=6)
            assert command[0] not in ("check", "describe") or code == 0, errors
            said.append(output + errors)
        except subprocess.TimeoutExpired:
            pass
    program.started()
    time.sleep(2)
    said += [program.curl(path, token=SCRAPER)[2] for path in ("/metrics", "/v1/shards", "/openapi.yaml", "/readyz")]
    assert program.terminate() == 0
    log = program.log_path.read_text()
    assert "SASL" in log or "kafka" in log
    said.append(log)
    # Wrong values, which librdkafka and the loader complain about.
    for wrong in ({"sasl.mechanism": "NONE", "sasl.password": SECRETS["sasl.password"]}, {"enable.idempotence": SECRETS["sasl.password"], "sasl.password": SECRETS["sasl.password"]},
                  {"sasl.password": [SECRETS["sasl.password"]]}, {"sasl.password": {"file": "nowhere", "value": "x"}},
                  {"sasl.oauthbearer.client.secret": SECRETS["sasl.oauthbearer.client.secret"], "no.such.property": "x"}):
        contents = yaml.safe_load(open(program.definitions))
        contents["kafka"]["properties"] = wrong
        (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(contents))
        for command in ("check", "serve", "verify"):
            try:
                _, output, errors = program.command(command, definitions=tmp_path / "wrong.yaml", timeout=6)
                said.append(output + errors)
            except subprocess.TimeoutExpired:
                pass
    for text in said:
        for secret in [*SECRETS.values(), TOKEN, SCRAPER]:
            assert secret not in text, text
    assert sum(map(len, said)) > 10_000


def test_files_of_the_broker_connection_are_there(make, tmp_path):
    program = make(kafka={"properties": {"ssl.ca.location": "tls/nowhere.pem", "sasl.password": {"file": "no-password"}}})
    code, _, errors = program.command("check")
    assert code == 2 and f"the file `{tmp_path}/tls/nowhere.pem` cannot be read" in errors and f"the file `{tmp_path}/no-password` cannot be read" in errors
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "nowhere.pem").write_text("x")
    (tmp_path / "no-password").write_text("x")
    assert program.command("check")[0] == 0


class TLSRelay:
    """Takes TLS with client certificates on a port, and passes the bytes on to a broker that speaks none."""

    def __init__(self, port, target, certificate, key, client_ca):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.load_verify_locations(client_ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.target, self.accepted, self.refused = target, 0, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            client = self.context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            self.refused += 1
            return plain.close()
        self.accepted += 1
        broker = socket.create_connection(("127.0.0.1", self.target))
        client.setblocking(False)
        broker.setblocking(False)
        try:
            while True:
                if not client.pending():
                    select.select([client, broker], [], [])
                for source, sink in ((client, broker), (broker, client)):
                    try:
                        data = source.recv(65536)
                    except (ssl.SSLWantReadError, BlockingIOError):
                        continue
                    if not data:
                        return
                    sink.setblocking(True)
                    sink.sendall(data)
                    sink.setblocking(False)
        except OSError:
            pass
        finally:
            client.close()
            broker.close()


def test_kafka_over_tls_with_client_certificates(binary, make, authorities, tmp_path):
    """Events through a broker behind TLS; without the client's certificate there is no connection."""
    from confluent_kafka import Producer

    servers, clients, _ = authorities
    certificate, key = servers.issue("broker", "broker", "IP:127.0.0.1,DNS:localhost")
    shown = clients.issue("millrace", "millrace")
    plain, secure = free_port(), free_port()
    script = REPOSITORY / "deploy" / "broker" / "broker"
    subprocess.run([script, "start", "--port", str(plain), "--advertise", str(secure), "--dir", str(tmp_path / "broker")], check=True, timeout=300)
    relay = TLSRelay(secure, plain, certificate, key, clients.certificate)
    try:
        (tmp_path / "tls").mkdir()
        for source, name in ((servers.certificate, "ca.pem"), (shown[0], "client.pem"), (shown[1], "client.key")):
            (tmp_path / "tls" / name).write_bytes(source.read_bytes())
        properties = {"security.protocol": "ssl", "ssl.ca.location": "tls/ca.pem", "ssl.certificate.location": "tls/client.pem", "ssl.key.location": "tls/client.key"}
        program = make(kafka={"properties": properties})
        program.environment["MILLRACE_KAFKA_BROKERS"] = f"127.0.0.1:{secure}"
        program.arguments += ["--create-topics", "2"]
        program.started()
        program.wait(lambda: program.curl("/readyz")[0] == 200, 60, "ready")
        producer = Producer({"bootstrap.servers": f"127.0.0.1:{secure}"} | {
            name: value if name == "security.protocol" else str(tmp_path / value) for name, value in properties.items()})
        for n in range(100):
            event = {"event_id": f"e{n}", "customer_id": f"c{n}", "event_time": 1_764_600_000_000 + n, "page": "product", "product": {"id": "p", "category": "shoes", "price": 5}}
            producer.produce("clicks", key=f"c{n}", value=json.dumps(event))
        assert producer.flush(30) == 0
        program.wait(lambda: sum(shard["rows"] for shard in json.loads(program.curl("/v1/shards")[2])["shards"]) >= 100, 60, "applied")
        assert relay.accepted > 0
        refused = relay.refused
        program.terminate()
        contents = yaml.safe_load(open(program.definitions))
        del contents["kafka"]["properties"]["ssl.certificate.location"], contents["kafka"]["properties"]["ssl.key.location"]
        open(program.definitions, "w").write(yaml.safe_dump(contents, sort_keys=False))
        program.started()
        program.wait(lambda: relay.refused > refused, 30, "refused by the broker")
        assert program.curl("/readyz")[0] == 503
    finally:
        relay.listener.close()
        subprocess.run([script, "stop", "--dir", str(tmp_path / "broker")], check=True, timeout=60)
