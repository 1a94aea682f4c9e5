"""The files in deploy/, held against schemas, against each other and against the program: what can be known of them without a cluster.

What needs a fresh Debian and takes minutes is `make replay`.
"""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from deploy_files import ALERTS, DEPLOY, REPOSITORY, alerts, documents

sys.path.insert(0, str(DEPLOY / "replay"))
import dockerfile  # noqa: E402

KUBERNETES = DEPLOY / "kubernetes"
MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name not in {"kustomization.yaml", "millrace.yaml"})
STAGES = dockerfile.parse((DEPLOY / "Dockerfile").read_text())


def run(*command, **options):
    """Standard output and error of a command that must succeed."""
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert result.returncode == 0, f"{command[0]} exited with {result.returncode}:\n{result.stdout}"
    return result.stdout


@pytest.fixture(scope="session")
def tools():
    """The directory of the checkers."""
    requirements = REPOSITORY / "Tests" / "Python" / "deploy" / "requirements.txt"
    python = subprocess.run(
        [DEPLOY / "python", requirements, ".venv-deploy"], check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout.strip()
    return os.path.dirname(python)


def environment(variables):
    return {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")} | variables


def statefulset():
    return next(document for document in documents(KUBERNETES / "statefulset.yaml") if document["kind"] == "StatefulSet")


def container():
    return statefulset()["spec"]["template"]["spec"]["containers"][0]


# All of YAML

def test_yaml_files_are_well_formed(tools):
    run(f"{tools}/yamllint", "--strict", "-c", REPOSITORY / "Tests" / "Python" / "deploy" / "yamllint.yaml", *sorted(DEPLOY.rglob("*.yaml")))


# Container

def test_dockerfile_has_no_known_fault(tools):
    run(f"{tools}/hadolint", DEPLOY / "Dockerfile")


def test_dockerfile_copies_what_exists_and_is_not_ignored():
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    for step in STAGES[0].all("COPY"):
        for source in step.words[:-1]:
            assert (REPOSITORY / source).exists(), f"Dockerfile:{step.line}: {source}"
            assert any(source == path or source.startswith(path + "/") for path in allowed), f"{source} is ignored by Dockerfile.dockerignore"


def run_time_packages():
    text = " ".join(step.text for step in STAGES[-1].all("RUN"))
    return set(re.search(r"--no-install-recommends ([a-z0-9 .+-]+?) &&", text)[1].split())


def test_last_stage_installs_the_packages_of_every_library(binary):
    if shutil.which("dpkg-query") is None:
        pytest.skip("not a Debian")
    needed = set()
    for line in run("ldd", binary).splitlines():
        words = line.split()
        if len(words) > 2 and words[1] == "=>" and not re.search(r"swift|Foundation|BlocksRuntime|dispatch", words[2]):
            path = os.path.realpath(words[2])
            owner = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
            if owner.returncode:
                owner = subprocess.run(["dpkg-query", "-S", path.removeprefix("/usr")], capture_output=True, text=True)
            assert owner.returncode == 0, f"no package owns {path}"
            needed.add(owner.stdout.split(":")[0])
    installed = run_time_packages()
    dependencies = run("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
                       "--no-enhances", *installed)
    reached = installed | set(re.findall(r"^\w[\w.+-]*$", dependencies, re.MULTILINE))
    # What every Debian image has.
    reached |= {"libc6", "libgcc-s1", "libstdc++6"}
    assert needed <= reached, f"not installed in the last stage: {needed - reached}"
    for package in installed:
        assert re.search(r"Candidate: \d", run("apt-cache", "policy", package)), f"Debian has no package {package}"


def test_image_runs_as_the_user_of_the_statefulset():
    user, group = STAGES[-1].last("USER").text.split(":")
    context = statefulset()["spec"]["template"]["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (int(user), int(group), int(group))
    assert user != "0" and context["runAsNonRoot"]
    assert f"--uid {user}" in STAGES[-1].all("RUN")[0].text and f"--gid {group}" in STAGES[-1].all("RUN")[0].text


# Compose

def test_compose_is_of_the_specification(tools):
    run(f"{tools}/check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_compose_mounts_what_exists_and_publishes_on_loopback_only():
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port} to the network"


def test_compose_commands_and_environment_are_known_to_the_program(binary):
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    for name in ("millrace", "generate"):
        command = services[name]["command"]
        mounts = dict(volume.split(":")[:2][::-1] for volume in services[name]["volumes"] if volume.startswith("."))
        definitions = DEPLOY / mounts[command[command.index("--definitions") + 1]]
        run(binary, "check", "-d", definitions, env=environment(STAGES[-1].environment() | services[name]["environment"]))
        known = run(binary, command[0], "--help")
        for option in command[1:]:
            if option.startswith("--"):
                assert option in known, f"`millrace {command[0]}` has no {option}"


# Kubernetes

@pytest.mark.parametrize("version", ["1.31.0", "1.34.0", "1.37.0"])
def test_manifests_are_of_the_api(tools, version):
    output = run(f"{tools}/kubernetes-validate", "--strict", "-k", version, *MANIFESTS)
    assert output.count("passed") >= len(MANIFESTS)


def test_kustomization_names_every_manifest():
    kustomization = documents(KUBERNETES / "kustomization.yaml")[0]
    assert sorted(kustomization["resources"]) == [path.name for path in MANIFESTS if path.name != "secret.example.yaml"]
    assert kustomization["images"][0]["name"] == container()["image"]
    generated = {entry["name"] for entry in kustomization["configMapGenerator"]}
    used = {volume["configMap"]["name"] for volume in statefulset()["spec"]["template"]["spec"]["volumes"] if "configMap" in volume}
    assert used == generated
    for entry in kustomization["configMapGenerator"]:
        for file in entry["files"]:
            assert (KUBERNETES / file).exists()


def test_selectors_find_the_pods():
    labels = statefulset()["spec"]["template"]["metadata"]["labels"]
    every = [document for path in MANIFESTS for document in documents(path)]
    selectors = [d["spec"]["selector"] for d in every if d["kind"] == "Service"]
    selectors += [d["spec"]["selector"]["matchLabels"] for d in every if d["kind"] in {"PodDisruptionBudget", "StatefulSet"}]
    selectors += [d["spec"]["podSelector"]["matchLabels"] for d in every if d["kind"] == "NetworkPolicy"]
    assert len(selectors) == 5
    for selector in selectors:
        assert selector.items() <= labels.items()
    names = {d["metadata"]["name"] for d in every if d["kind"] == "Service"}
    assert statefulset()["spec"]["serviceName"] in names
    ports = {port["name"] for port in container()["ports"]}
    for service in (d for d in every if d["kind"] == "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_pods_are_locked_in():
    pod = statefulset()["spec"]["template"]["spec"]
    security = container()["securityContext"]
    assert security == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    # Else Kubernetes adds variables that begin with MILLRACE_, and the program ends with code 2.
    assert pod["enableServiceLinks"] is False


def test_probes_ask_for_paths_that_there_are_and_for_the_right_ones():
    paths = documents(REPOSITORY / "Schemas" / "openapi.yaml")[0]["paths"]
    probes = {name: container()[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert set(probes.values()) <= set(paths)
    # A process that lags is not made better by being killed.
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    grace = statefulset()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > int(container()["lifecycle"]["preStop"]["exec"]["command"][1]) + 30


def test_definitions_of_the_pods_are_right_with_their_environment_and_secrets(binary, tmp_path):
    text = (KUBERNETES / "millrace.yaml").read_text()
    secrets = {document["metadata"]["name"]: document["stringData"] for document in documents(KUBERNETES / "secret.example.yaml")}
    mounts = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    for volume in statefulset()["spec"]["template"]["spec"]["volumes"]:
        if "secret" not in volume:
            continue
        at, made = mounts[volume["name"]], secrets[volume["secret"]["secretName"]]
        for name in re.findall(rf"{at}/([\w.-]+)", text):
            assert name in made, f"millrace.yaml wants {at}/{name}, which secret.example.yaml does not have"
        directory = tmp_path / volume["name"]
        directory.mkdir()
        for name, value in made.items():
            (directory / name).write_text(value)
        text = text.replace(at, str(directory))
    definitions = tmp_path / "millrace.yaml"
    definitions.write_text(text)
    variables = {entry["name"]: entry.get("value", "millrace-0") for entry in container()["env"]}
    run(binary, "check", "-d", definitions, env=environment(STAGES[-1].environment() | variables))


# Definitions, systemd

@pytest.mark.parametrize("path", sorted((DEPLOY / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_examples_are_right(binary, path):
    run(binary, "check", "-d", path, env=environment({}))


def test_unit_is_right_and_shuts_the_service_off(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.fail("no systemd-analyze; run deploy/install test")
    unit = DEPLOY / "systemd" / "millrace.service"
    # `verify` wants the program to be where the unit says.
    (tmp_path / "usr/bin").mkdir(parents=True)
    program = tmp_path / "usr/bin/millrace"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    shutil.copy(unit, tmp_path / "etc/systemd/system")
    shutil.copytree("/lib/systemd/system", tmp_path / "lib/systemd/system", symlinks=True)
    output = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={tmp_path}", "millrace.service")
    assert "millrace.service" not in output, output
    # Tenths: 10 is the worst. A service that is open to the system has 96.
    output = run("systemd-analyze", "security", "--offline=true", "--threshold=30", unit)
    print(output.splitlines()[-1])
    assert "OK" in output.splitlines()[-1]


def test_unit_calls_the_program_as_it_is(binary):
    text = (DEPLOY / "systemd" / "millrace.service").read_text()
    for line in re.findall(r"^Exec\w+=/usr/bin/millrace (.*)$", text, re.MULTILINE):
        command, *options = line.split()
        known = run(binary, command, "--help")
        for option in options:
            assert not option.startswith("--") or option in known
    variables = dict(re.findall(r"^Environment=(MILLRACE_\w+)=(\S+)$", text, re.MULTILINE))
    run(binary, "check", "-d", DEPLOY / "examples" / "one-partition.yaml", env=environment(variables))


def test_default_file_of_the_package_names_known_variables(binary):
    text = (DEPLOY / "debian" / "default").read_text()
    variables = dict(re.findall(r"^#(MILLRACE_\w+)=(\S+)$", text, re.MULTILINE))
    assert variables
    run(binary, "check", "-d", DEPLOY / "examples" / "one-partition.yaml", env=environment(variables))


# Prometheus

def test_rules_and_scrape_configuration_are_of_prometheus():
    run(DEPLOY / "promtool", "check", "config", "prometheus.yaml", cwd=DEPLOY / "prometheus")


def test_rules_fire_when_they_should_and_not_when_all_is_well():
    run(DEPLOY / "promtool", "test", "rules", "alerts.test.yaml", cwd=DEPLOY / "prometheus")


def test_every_alert_is_seen_to_fire_and_has_a_recipe():
    tested = (DEPLOY / "prometheus" / "alerts.test.yaml").read_text()
    headings = set(re.findall(r"^### (Millrace\w+)$", (REPOSITORY / "docs" / "OPERATIONS.md").read_text(), re.MULTILINE))
    for name, rule in alerts().items():
        assert f'alertname="{name}"' in tested, f"no test of {ALERTS.name} has {name} fire"
        assert rule["annotations"]["runbook_url"] == f"docs/OPERATIONS.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
    assert headings == set(alerts()), "the recipes of docs/OPERATIONS.md are not those of the alerts"


def test_dashboard_is_of_grafana():
    board = json.loads((DEPLOY / "grafana" / "millrace.json").read_text())
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(identifiers) == len(set(identifiers))
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"panel `{panel['title']}` lies on another"
        taken |= cells
