"""The web console: `console/checks.py` drives a browser over a server that the shop's generator fills, and `console/pictures.py` takes the
pictures of docs/CONSOLE.md when MILLRACE_CONSOLE_IMAGES names a directory (`make console-images`)."""
import json
import os
import subprocess
import time

import pytest
import yaml

from conftest import REPOSITORY, fresh_topics, shop_definitions
from program import Program

HOSTILE = '<img src=x onerror=alert(1)>"\'&%2F</td>'


@pytest.fixture(scope="module")
def python():
    return subprocess.run(
        [REPOSITORY / "deploy" / "python", "Tests/Python/console/requirements.txt", ".venv-console"], check=True, capture_output=True,
        text=True).stdout.strip()


@pytest.fixture(scope="module")
def shop(binary, bootstrap, tmp_path_factory):
    """A server with a week of the shop's events, some of them broken, some of a customer with a hostile name."""
    from confluent_kafka import Producer

    directory = tmp_path_factory.mktemp("console")
    pictures = "MILLRACE_CONSOLE_IMAGES" in os.environ
    with fresh_topics(bootstrap, "" if pictures else None) as topics:
        path, contents = shop_definitions(topics, directory)
        if not pictures:
            contents["views"]["customer_clicks"]["features"]["clicks"]["description"] = "Pages seen <img src=x onerror=hacked=1>"
            contents["services"]["homepage"]["description"] = "<script>hacked=1</script>"
            path.write_text(yaml.safe_dump(contents, sort_keys=False))
        program = Program(binary, path, bootstrap, directory)
        program.start()
        generators = []
        try:
            program.wait_healthy()
            options = ["--customers", "500", "--malformed", "0.002", "--quiet"]
            producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2"})
            now = int(time.time() * 1000)
            for number in range(20):
                click = {
                    "event_id": f"hostile-{number}", "customer_id": HOSTILE, "event_time": now - number * 60_000, "page": "<svg onload=hacked=1>",
                    "product": {"id": "p1", "category": "<script>hacked=1</script>", "price": 9.5}, "session": "s", "device": "mobile"}
                producer.produce(topics["clicks"], json.dumps(click).encode(), HOSTILE.encode())
            producer.flush(30)
            history = ["--history", "30d", "--rate", "0.6"] if pictures else ["--history", "7d", "--rate", "0.3"]
            generators.append(program.spawn("generate", *history, *options))
            caught_up(program, least=1_400_000 if pictures else 150_000)
            # Something comes in while somebody looks, and after all that is older.
            generators.append(program.spawn("generate", "--rate", "300", "--seed", "2", "--steady", *options))
            yield program, busiest(program)
        finally:
            for generator in generators:
                generator.terminate()
                generator.communicate(timeout=30)
            program.kill()


def caught_up(program, least):
    """Until the history is applied: then only a few events a second come."""
    def applied():
        return sum(program.counters("millrace_events_applied_total").values())

    program.wait(lambda: applied() > least, 120, "filled")
    before = -1
    while (now := applied()) - before > 20:
        before = now
        time.sleep(1)


def busiest(program):
    """A customer who clicks and buys."""
    keys = [f"c{number:07d}" for number in range(500)]
    answer = program.json("POST", "/v1/lookup", {"features": ["clicks_7d", "purchases_7d"], "keys": keys})
    return max(answer["results"], key=lambda result: (int(result["values"][1] > 0), result["values"][0] < 400, result["values"][0]))["key"]


def run(python, file, shop, *arguments):
    program, key = shop
    names = {
        "MILLRACE_CONSOLE": f"http://127.0.0.1:{program.port}", "MILLRACE_CONSOLE_KEY": key, "MILLRACE_CONSOLE_HOSTILE_KEY": HOSTILE}
    done = subprocess.run(
        [python, *arguments, REPOSITORY / "Tests" / "Python" / "console" / file], env=os.environ | names, capture_output=True, text=True,
        timeout=600)
    print(done.stdout[-12_000:])
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]
    return done.stdout


def test_the_console_in_a_browser(python, shop):
    output = run(python, "checks.py", shop, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rP")
    assert " passed" in output and " skipped" not in output


@pytest.mark.skipif("MILLRACE_CONSOLE_IMAGES" not in os.environ, reason="MILLRACE_CONSOLE_IMAGES names no directory for pictures")
def test_the_pictures_of_the_documentation(python, shop):
    run(python, "pictures.py", shop)
