"""What infra/ runs is what the engine has: every process, its settings, its probes."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import compose_spec
import jsonschema
import pytest
import yaml

from danbao.app import PROCESSES, SERVICES
from danbao.kernel.settings import PREFIX, Settings

ROOT: Final = Path(__file__).parents[3]
INFRA: Final = ROOT / "infra"
CHART: Final = INFRA / "helm" / "danbao"
SETTINGS: Final = {PREFIX + field.name.upper() for field in fields(Settings)}
SERVERS: Final = {"postgres", "kafka", "migrate", "prometheus", "grafana"}
KUBERNETES: Final = "1.34.0"


def load(path: Path) -> Any:  # noqa: ANN401 - YAML may be anything
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE: Final = load(INFRA / "compose.yaml")
VALUES: Final = load(CHART / "values.yaml")
TEMPLATES: Final = {path.name: path.read_text("utf-8") for path in CHART.glob("templates/*")}


def test_compose_is_as_its_specification_says() -> None:
    """A key that Docker does not know is found here."""
    known = {name: part for name, part in COMPOSE.items() if not name.startswith("x-")}
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", json.dumps(known))  # as without an environment
    compose_spec.PyCompose.from_json(text).validate()


def test_a_wrong_compose_file_is_found() -> None:
    """The rule above bites."""
    with pytest.raises(ValueError, match="imagine"):
        compose_spec.PyCompose.from_json('{"services": {"escrow": {"imagine": "danbao"}}}')


def test_compose_runs_every_process_and_nothing_else() -> None:
    """A process that is forgotten here is missed in production."""
    services = COMPOSE["services"]

    assert services.keys() - SERVERS == set(PROCESSES)
    for name in PROCESSES:
        assert services[name]["command"] == ["run", name]
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert "/livez" in str(services[name]["healthcheck"]["test"])


def test_prometheus_scrapes_every_process() -> None:
    """What is not scraped has no alerts."""
    [job] = load(INFRA / "prometheus" / "prometheus.yaml")["scrape_configs"]
    targets = [target for group in job["static_configs"] for target in group["targets"]]

    assert job["job_name"] == "danbao"
    assert targets == [f"{name}:8080" for name in sorted(PROCESSES)]


def test_the_chart_runs_every_process_and_scales_the_services() -> None:
    """Helpers have one at work whatever the load; more of them would stand by."""
    processes = VALUES["processes"]

    assert processes.keys() == set(PROCESSES)
    assert {name for name, process in processes.items() if process["scales"]} == set(SERVICES)


def test_the_charts_values_fit_their_schema() -> None:
    """Helm holds an operator's values against it before anything is rendered."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)

    validator.validate(VALUES)
    for wrong in ({"process": {}}, {"settings": {"DANBAO_PARTITIONS": 8}}):
        assert not validator.is_valid(VALUES | wrong)


def test_no_more_workers_than_partitions() -> None:
    """One more would have nothing to read."""
    assert VALUES["keda"]["maxReplicas"] == int(VALUES["settings"]["DANBAO_PARTITIONS"])
    assert int(VALUES["settings"]["DANBAO_PARTITIONS"]) == Settings().partitions


def test_every_setting_that_is_named_exists() -> None:
    """A misspelt one would be ignored in silence."""
    files = [*INFRA.rglob("*.yaml"), *CHART.glob("templates/*"), INFRA / "Dockerfile"]
    named = {
        name
        for path in files
        for name in re.findall(r"\bDANBAO_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }

    assert named - SETTINGS == {"DANBAO_VERSION"}


def test_templates_use_values_that_exist() -> None:
    """An unknown value renders as nothing."""
    used = {
        path
        for text in TEMPLATES.values()
        for path in re.findall(r"\.Values\.([a-zA-Z.]+[a-zA-Z])", text)
    }
    missing = []
    for path in used:
        value = VALUES
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                missing.append(path)
                break
            value = value[part]
    assert missing == []


def test_pods_are_probed_and_may_do_nothing_else() -> None:
    """Liveness and readiness are different questions; a container needs no rights."""
    text = "".join(TEMPLATES.values())

    for words in (
        "path: /livez",
        "path: /readyz",
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "drop: [ALL]",
        "automountServiceAccountToken: false",
        '"pre" "pre-install,pre-upgrade" "post" "post-install,post-upgrade"',
        "args: [migrate, --phase, {{ $phase }}]",
    ):
        assert words in text, words


def test_the_image_runs_as_nobody_in_particular() -> None:
    """And is built from hashed packages."""
    text = (INFRA / "Dockerfile").read_text(encoding="utf-8")
    lock = (INFRA / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")

    assert "USER 10001" in text
    assert "--require-hashes -r requirements.lock" in text
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert pinned
    assert all("--hash=sha256:" in line for line in pinned)


def test_the_dockerfile_is_well_kept() -> None:
    """By hadolint, whose program comes in a package."""
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert program is not None
    done = subprocess.run(
        [program, str(INFRA / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")
@pytest.mark.parametrize("more", ["", "keda.enabled=true,kafkaUsers=true"])
def test_the_chart_renders(more: str) -> None:
    """With and without what is optional."""
    subprocess.run(["helm", "lint", "--strict", str(CHART)], check=True, capture_output=True)
    done = subprocess.run(
        ["helm", "template", "danbao", str(CHART), "--kube-version", KUBERNETES]
        + (["--set", more] if more else []),
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = [each["kind"] for each in yaml.safe_load_all(done.stdout) if each]

    assert kinds.count("Deployment") == len(PROCESSES)
    assert kinds.count("Job") == 2
    assert kinds.count("ScaledObject") == (len(SERVICES) if more else 0)
