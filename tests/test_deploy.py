"""deploy/: what can't be run on every machine keeps at least to its schema and agrees with the rest.

Images are run in test_deploy_container, clusters nowhere; the service manager's own checker is, where there is one.
"""

from __future__ import annotations

import importlib
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
import yaml

from smsgate import Filter
from smsgate.config.load import load_settings
from smsgate.settings import Settings
from tests.gates import GENUINE, SCAM
from tests.programs import invoke, pack_in

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "smsgate.service"
KUBERNETES_VERSIONS = ("1.30", "1.34")
MARGIN_S = 5
"""Beyond drain_timeout, until what does not end is killed."""


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])


def settings_in(folder: Path, text: str) -> Settings:
    """Those of a configuration whose folders are not those of this machine, but in `folder`."""
    (folder / "var/lib/smsgate").mkdir(parents=True)
    file = folder / "smsgate.yaml"
    file.write_text(text.replace("/var/lib/smsgate/", f"{folder}/var/lib/smsgate/"))
    return load_settings(file)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a name short enough for a socket in it."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def systemd_analyze() -> str:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    return command


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    file = tmp_path / "smsgate.service"
    file.write_text(
        UNIT.read_text().replace("/opt/smsgate/bin/smsgate", str(Path(sys.executable).with_name("smsgate")))
    )
    return file


def test_systemd_finds_no_fault_with_the_unit(systemd_analyze: str, unit: Path) -> None:
    run(systemd_analyze, "verify", "--man=no", unit)


def test_systemd_finds_the_unit_hardened(systemd_analyze: str, unit: Path) -> None:
    run(systemd_analyze, "security", "--offline=true", "--threshold=20", unit)  # of 100, for an exposure of 2.0


def test_systemd_waits_for_the_drain() -> None:
    stop = int(re.findall(r"TimeoutStopSec=(\d+)", UNIT.read_text())[0])
    assert stop > load_settings(DEPLOY / "smsgate.yaml").drain_timeout_s + MARGIN_S


def test_what_the_unit_lets_be_written_is_what_the_manual_names() -> None:
    unit = UNIT.read_text()
    assert "StateDirectory=smsgate smsgate/state smsgate/audit\n" in unit
    for path in ("/var/lib/smsgate/state", "/var/lib/smsgate/audit", "/run/smsgate/smsgate.sock"):
        assert path in unit


def test_compose_keeps_to_its_schema() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run(*checker, DEPLOY / "compose.yaml")


def test_compose_mounts_what_is_there_and_waits_for_the_drain(folder: Path) -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for service in services.values():
        assert service["read_only"] is True
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in {"gate", "series", "boards"} or (DEPLOY / source).exists(), volume
    pack_in(folder)
    settings = settings_in(folder, (DEPLOY / "container" / "smsgate.yaml").read_text())
    mounted = {volume.split(":")[1] for volume in services["smsgate"]["volumes"]}
    for written in (settings.state, settings.control):
        assert written is not None
        assert f"/{written.parent.relative_to(folder)}" in mounted
    assert seconds(services["smsgate"]["stop_grace_period"]) > settings.drain_timeout_s + MARGIN_S
    assert (DEPLOY / services["smsgate"]["build"]["context"] / services["smsgate"]["build"]["dockerfile"]).exists()


def test_the_container_file_copies_what_is_there_and_is_not_root() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    let_through = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(name == kept or name.startswith(f"{kept}/") for kept in let_through), name
    (user,) = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert user == "10001:10001"
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def test_the_packs_of_the_manifests_are_whole(tmp_path: Path) -> None:
    """They are ConfigMaps, each a folder without folders."""
    commands = (DEPLOY / "kubernetes" / "smsgate.yaml").read_text()
    folders = re.findall(r"configmap \S+ --from-file=(\S+)", commands)
    for folder in folders:
        (tmp_path / folder.replace("/", "-")).mkdir()
        for file in (ROOT / folder).iterdir():
            if file.is_file():
                shutil.copy(file, tmp_path / folder.replace("/", "-"))
    mounted, shipped = (Filter.load(path).rules for path in (tmp_path, ROOT / "rules"))
    assert {rule.id for rule in mounted.rules} == {rule.id for rule in shipped.rules}
    assert {limit.id for limit in mounted.limits} == {limit.id for limit in shipped.limits}
    for folder in folders:
        assert f"configMap: {{name: smsgate-{folder.replace('/', '-')}}}" in commands


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "smsgate.yaml").read_text()))


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_manifests_keep_to_the_schema_of_kubernetes(version: str) -> None:
    for manifest in manifests():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_manifests_agree_with_the_configuration_in_them(folder: Path) -> None:
    by_kind = {manifest["kind"]: manifest for manifest in manifests()}
    key = folder / "audit.key"
    assert invoke("audit", "key", "--write", str(key)).exit_code == 0
    pack_in(folder).rename(folder / "packs")
    secret = "/run/secrets/smsgate/audit.key"
    settings = settings_in(folder, by_kind["ConfigMap"]["data"]["smsgate.yaml"].replace(secret, str(key)))
    pod = by_kind["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert settings.audit is not None
    for written in (settings.control, settings.state, settings.audit.folder):
        assert written is not None
        assert f"/{written.parent.relative_to(folder)}" in mounts
    assert str(Path(secret).parent) in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings.metrics is not None
    assert ports == {"smpp": settings.listeners[0].bind.port, "metrics": settings.metrics.port}
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= waits + settings.drain_timeout_s + MARGIN_S
    labels = by_kind["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        by_kind["Service"]["spec"]["selector"],
        by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert by_kind["PodDisruptionBudget"]["spec"]["minAvailable"] < by_kind["Deployment"]["spec"]["replicas"]


@pytest.fixture
def jasmin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The filter as interceptord loads it."""
    monkeypatch.setenv("SMSGATE_RULES", str(pack_in(tmp_path)))
    monkeypatch.syspath_prepend(DEPLOY / "jasmin")
    monkeypatch.delitem(sys.modules, "smsgate_filter", raising=False)
    return importlib.import_module("smsgate_filter")


def routable(body: bytes, coding: str | None, user: str = "bank1") -> SimpleNamespace:
    """What Jasmin hands to a script: the PDU's fields, and the user."""
    data_coding = SimpleNamespace(scheme=None, schemeData=SimpleNamespace(name=coding) if coding else 0xF5)
    params = {
        "short_message": body,
        "source_addr": b"38100",
        "destination_addr": b"33639980001",
        "data_coding": data_coding,
    }
    return SimpleNamespace(pdu=SimpleNamespace(params=params), user=SimpleNamespace(uid=user))


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (SCAM.encode("ascii"), "SMSC_DEFAULT_ALPHABET"),
        (SCAM.encode("utf-16-be"), "UCS2"),
        (SCAM.encode("latin-1"), "LATIN_1"),
        (SCAM.encode("ascii"), None),
    ],
)
def test_jasmin_refuses_what_the_rules_refuse(jasmin: ModuleType, body: bytes, coding: str | None) -> None:
    script = DEPLOY / "jasmin" / "interceptor.py"
    seen = runpy.run_path(str(script), {"routable": routable(body, coding), "smpp_status": None, "http_status": None})
    assert (seen["smpp_status"], seen["http_status"]) == (0x66, 403)


def test_jasmin_passes_the_rest_untouched(jasmin: ModuleType) -> None:
    """A status of 0 would tell Jasmin to answer OK and send nothing: none may be set."""
    script = DEPLOY / "jasmin" / "interceptor.py"
    for message in (routable(GENUINE.encode(), "SMSC_DEFAULT_ALPHABET"), routable(b"", None)):
        seen = runpy.run_path(str(script), {"routable": message, "smpp_status": None, "http_status": None})
        assert (seen["smpp_status"], seen["http_status"]) == (None, None)


def test_jasmin_names_the_client(jasmin: ModuleType) -> None:
    expires = routable(b"Votre solde CPF expire", None, "trusted")
    assert jasmin.status(expires) == 0
    expires.user.uid = "bank1"
    assert jasmin.status(expires) == 0x66


def test_jasmin_names_sender_and_destination(
    tmp_path: Path, jasmin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules" / "ends.yaml").write_text("""\
pack: ends
keywords: {prize: [zorbling]}
rules:
  - id: E-1
    title: from here to there
    if: prize and sender in ["38100"] and destination startswith "+33 6"
    action: block
    matches: [{text: zorbling, sender: "38100", destination: "33639980001"}]
    passes: [zorbling]
""")
    monkeypatch.setattr(jasmin, "GATE", Filter.load(tmp_path / "rules"))
    message = routable(b"zorbling", None)
    assert jasmin.status(message) == 0x66
    for field in ("source_addr", "destination_addr"):
        message = routable(b"zorbling", None)
        message.pdu.params[field] = b"33199001234"
        assert jasmin.status(message) == 0
