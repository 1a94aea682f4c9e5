"""schemathesis against the running server: requests made of Schemas/openapi.yaml, good ones and bad ones, and every answer held against it."""
import os
import subprocess

from conftest import REPOSITORY
from pushed_shop import pushing_program


def test_no_5xx_and_no_contract_break(binary, bootstrap, tmp_path):
    python = subprocess.run(
        [REPOSITORY / "deploy" / "python", "Tests/Python/schemathesis/requirements.txt", ".venv-schemathesis"], check=True,
        capture_output=True, text=True).stdout.strip()
    examples = os.environ.get("MILLRACE_SCHEMATHESIS_EXAMPLES", "40")
    # A sender that waits for one millisecond only gets 504, and rightly.
    (tmp_path / "schemathesis.toml").write_text(
        '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 504]\n')
    with pushing_program(binary, bootstrap, tmp_path) as program:
        done = subprocess.run(
            [python, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{program.port}/openapi.yaml", "--url", f"http://127.0.0.1:{program.port}",
             # What JSON Schema cannot say (a time, a position, columns of equal length) is refused, and rightly. Nothing is guarded here: the matrix of
             # AccessMatrixTests is for what is.
             "--checks", "all", "--exclude-checks", "positive_data_acceptance,ignored_auth",
             "--phases", "examples,coverage,fuzzing", "--max-examples", examples, "--seed", "1", "--continue-on-failure",
             "--request-timeout", "20", "--no-color",
             # Two would parse Python at the same time, which Python 3.11 sometimes ends with a SystemError ("AST constructor recursion depth mismatch").
             "--workers", "1"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
        print(done.stdout[-6000:])
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
        metrics = program.request("GET", "/metrics")[1]
        answered = {line.split('"')[1]: int(line.split()[-1]) for line in metrics.splitlines() if line.startswith("millrace_http_responses_total{")}
        assert answered["200"] > 100 and answered["400"] > 100 and not [code for code in answered if code.startswith("5") and code != "504"]
