"""/metrics against the format (prometheus_client's parser) and against docs/METRICS.md. MILLRACE_UPDATE_METRICS=1 writes the page's table anew."""
import os
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import REPOSITORY
from watched import HOUR, Receiver, hour_of_clicks, hour_of_scores, now, seeded, watched_shop

PAGE = REPOSITORY / "docs" / "METRICS.md"
BEGIN, END = "<!-- families: written by Tests/Python/test_metrics.py -->", "<!-- end -->"


@pytest.fixture(scope="module")
def scraped(binary, bootstrap, tmp_path_factory):
    """(families, text) of a server that has done a bit of everything."""
    random = seeded(40)
    receiver = Receiver()
    with watched_shop(
            binary, bootstrap, tmp_path_factory.mktemp("metrics"), webhook=receiver.url, enabled=True) as (program, produce):
        produce(hour_of_clicks(random, now() // HOUR - 1))
        program.json("POST", "/v1/push/scores", {"rows": hour_of_scores(random, now() // HOUR - 1)})
        program.lookup(keys=["secret-customer-0001", "nobody"], as_of=now(), service="churn")
        program.request("GET", "/nowhere")
        program.request("GET", "/v1/services/nope/entities/secret-customer-0002")
        status, text = program.request("GET", "/metrics")
        assert status == 200
        yield list(text_string_to_metric_families(text)), text
    receiver.close()


def full_name(family):
    return family.name + ("_total" if family.type == "counter" else "")


def labels(family):
    return sorted({label for sample in family.samples for label in sample.labels} - ({"le"} if family.type == "histogram" else set()))


def rows(families):
    return [
        f"| `{full_name(f)}` | {f.type} | {', '.join(f'`{label}`' for label in labels(f))} | {f.documentation} |"
        for f in sorted(families, key=full_name)]


def test_the_text_is_in_the_format_and_each_name_comes_once(scraped):
    families, text = scraped
    names = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(names) == len(set(names)) == len(re.findall(r"^# HELP ", text, re.M)) > 40
    for family in families:
        assert family.type in ("counter", "gauge", "histogram"), family
        seen = [(s.name, tuple(sorted(s.labels.items()))) for s in family.samples]
        assert len(seen) == len(set(seen)), family.name
        if family.type == "histogram":
            for key in {tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")) for s in family.samples}:
                buckets = [s for s in family.samples if s.name.endswith("_bucket") and set(key) <= set(s.labels.items())]
                counts = [s.value for s in buckets]
                assert counts == sorted(counts) and buckets[-1].labels["le"] == "+Inf"


def test_each_family_has_a_sentence_of_help_and_a_name_with_its_unit(scraped):
    for family in scraped[0]:
        assert len(family.documentation) > 10 and family.documentation.endswith("."), family
        assert re.fullmatch(r"(millrace|process)_[a-z0-9_]+", family.name), family.name
        if family.type == "counter":
            assert f"# TYPE {family.name}_total counter" in scraped[1]


def test_labels_are_bounded_by_the_definitions_never_by_what_comes_in(scraped):
    families, text = scraped
    assert "secret" not in text and "nobody" not in text and "nope" not in text
    allowed = {"stream", "reason", "shard", "topic", "partition", "outcome", "code", "le", "source", "status", "entity", "feature", "measure", "field",
               "rule", "bound", "version", "swift", "configuration"}
    documented = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text().split("## Labels")[-1], re.M)) | {"le"}
    for family in families:
        assert set(labels(family)) <= allowed | documented, family.name
        assert len(family.samples) <= 200, f"{family.name} has {len(family.samples)} series"


def test_every_family_is_on_the_page_as_it_is(scraped):
    families, _ = scraped
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    table, tail = rest.split(END)
    if os.environ.get("MILLRACE_UPDATE_METRICS") == "1":
        lines = ["", "| family | type | labels | what it is |", "|---|---|---|---|", *rows(families), ""]
        PAGE.write_text(head + BEGIN + "\n".join(lines) + END + tail)
        return
    written = {line for line in table.strip().splitlines()}
    missing = [row for row in rows(families) if row not in written]
    assert not missing, "docs/METRICS.md lacks, or says otherwise; MILLRACE_UPDATE_METRICS=1 writes it:\n" + "\n".join(missing)


def test_the_process_tells_what_it_takes(scraped):
    values = {family.name: family.samples[0].value for family in scraped[0] if family.samples}
    assert values["process_resident_memory_bytes"] > 10e6 and values["process_open_fds"] > 5 and values["process_threads"] > 3
    assert 0 < values["process_cpu_seconds"] and 0 < values["millrace_uptime_seconds"] < 600
    (info,) = [f for f in scraped[0] if f.name == "millrace_build_info" or f.name == "millrace_build"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", info.samples[0].labels["version"])
