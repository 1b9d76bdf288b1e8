"""The wheel, as somebody gets it who has no checkout: installed into an empty home, then made known to Nushell."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.nushell import NEWEST, OLDEST, ROOT, clean_environment, nushell
from tests.support.terminal import Terminal

UV = ROOT / ".uv" / "bin" / "uv"


def uv_environment(home: Path, **more: str) -> dict[str, str]:
    """Nobody's settings, but the packages that this user's uv has fetched before."""
    caches = os.environ.get("XDG_CACHE_HOME", f"{pwd.getpwuid(os.geteuid()).pw_dir}/.cache")
    cache = os.environ.get("UV_CACHE_DIR", f"{caches}/uv")
    environment = clean_environment(home, UV_CACHE_DIR=cache, UV_PYTHON_DOWNLOADS="never", **more)
    if any(Path("/etc/ssl/certs").iterdir()):  # as tools/setup does
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment


def uv(*arguments: str | Path, env: dict[str, str]) -> None:
    """Run uv to its end."""
    told = subprocess.run([UV, "--quiet", *arguments], env=env, cwd=env["HOME"], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It is built by way of the source distribution, as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--out-dir", folder, ROOT, env=uv_environment(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `uv tool install` has been called, and nothing else. There is a space in its path."""
    made = tmp_path_factory.mktemp("home") / "new user"
    made.mkdir()
    uv("tool", "install", "--python", sys.executable, wheel, env=uv_environment(made))
    return made


def test_the_wheel_holds_what_is_shared_and_nothing_of_the_tests(wheel: Path) -> None:
    """Every file below the links, as it is in the checkout."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, link in (("nulib", "nulib"), ("data/examples", "examples"), ("data/sample", "sample")):
        tracked = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert tracked
        missing = {f"orchestrator/share/{link}/{path.relative_to(ROOT / folder)}" for path in tracked} - names
        assert missing == set()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"orchestrator", "nu_plugin_orch"}
    assert not any("__pycache__" in name for name in names)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_new_user_types_what_is_printed(version: str, home: Path, tmp_path: Path) -> None:
    """`orchestrator nushell` in a fresh profile: each line works as it stands, then the commands do."""
    profile = tmp_path / "config"
    environment = {
        **clean_environment(tmp_path),
        "PATH": f"{home}/.local/bin:/usr/bin:/bin",
        "XDG_CONFIG_HOME": str(profile),
    }
    (profile / "nushell").mkdir(parents=True)
    for name in ("env.nu", "config.nu"):
        (profile / "nushell" / name).touch()
    told = subprocess.run(
        [home / ".local" / "bin" / "orchestrator", "nushell"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in told.stdout.splitlines() if not line.startswith("#")]
    add, *rest = lines
    assert str(ROOT) not in told.stdout
    with Terminal([str(nushell(version))], cwd=tmp_path, env=environment) as shell:
        assert "Error" not in shell.run(add)
    with Terminal([str(nushell(version))], cwd=tmp_path, env=environment) as shell:
        shown = [shell.run(line) for line in rest]
        assert not [text for text in shown if "Error" in text]
        assert "succeeded" in shown[-2]
        assert "kubernetes" in shown[-1]
        assert "orch::" in shell.run("orch status")  # there is no directory yet, and that is said


def test_what_runs_is_the_wheel(home: Path, tmp_path: Path) -> None:
    """A workflow from beginning to end, without the checkout: schemas, evaluator, provider, wrapper."""
    environment = {**clean_environment(tmp_path), "PATH": f"{home}/.local/bin:/usr/bin:/bin"}
    paths = json.loads(
        subprocess.run(["orchestrator", "nushell", "--json"], env=environment, capture_output=True, check=True).stdout
    )
    definition = f"{paths['examples']}/wuji.k"
    told = subprocess.run(
        ["orchestrator", "run", definition, "--data-dir", tmp_path / "data", "--json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    state = json.loads(told.stdout)
    assert state["status"] == "succeeded"
    assert str(ROOT) not in told.stdout
    subprocess.run(["orchestrator", "stop", "--data-dir", tmp_path / "data"], env=environment, capture_output=True)


def test_a_path_longer_than_a_kernel_takes_for_an_interpreter_works(wheel: Path, tmp_path: Path) -> None:
    """The first line of a script may be too long for the kernel; installers know a way around, Nushell goes it."""
    deep = tmp_path / ("deep " * 24).strip() / ("deeper " * 12).strip() / "venv"
    environment = uv_environment(tmp_path)
    uv("venv", "--python", sys.executable, deep, env=environment)
    uv("pip", "install", "--python", deep / "bin" / "python", wheel, env=environment)
    plugin = deep / "bin" / "nu_plugin_orch"
    assert len(str(plugin)) > 256
    code = f"orch status --data-dir '{ROOT}/data/sample' | get tasks_completed"
    for version in (OLDEST, NEWEST):
        registry = tmp_path / f"{version}.msgpackz"
        shell = [str(nushell(version)), "--no-config-file", "--no-std-lib", "--commands"]
        for line in (
            f"plugin add --plugin-config '{registry}' '{plugin}'",
            f"plugin use --plugin-config '{registry}' orch; {code}",
        ):
            told = subprocess.run([*shell, line], env=environment, capture_output=True, text=True, timeout=60)
            assert told.returncode == 0, told.stderr
        assert told.stdout.strip().isdigit()
