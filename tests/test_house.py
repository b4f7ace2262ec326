"""The house keeps its own rules: files that must agree with one another do."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"python-duckdb": "duckdb"}


def project() -> dict[str, list[str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def tracked(*patterns: str) -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", *patterns],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_environment_yml_lists_what_pyproject_lists() -> None:
    lines = (ROOT / "environment.yml").read_text("utf-8").splitlines()
    entries = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    extra = {"conda-forge", "pip", "pip:", "--editable .", f"python{project()['requires-python']}"}
    assert extra <= set(entries)
    names = {entry for entry in entries if entry not in extra}
    for conda, pypi in CONDA_NAMES.items():
        names = {re.sub(rf"^{conda}(?=\W)", pypi, name) for name in names}
    assert names == set(project()["dependencies"])


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_hold_versions_and_hashes_but_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert "index" not in text
    pins = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    wanted = [re.match(r"[a-z0-9-]+", line)[0] for line in project()["dependencies"]]
    assert set(wanted) <= set(pins)
    blocks = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_no_python_file_grows_past_400_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for file in tracked("*.py")
        if (count := len(file.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}


def test_no_tracked_text_holds_a_path_of_one_machine() -> None:
    pattern = re.compile(r"(^|[^A-Za-z0-9_.])/(home|root|work|Users)/[A-Za-z.]")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked("*.py", "*.md", "*.toml", "*.yml", "*.ipynb", "Makefile", ".ci/run")
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_architecture_names_every_module_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    folders = {
        str(file.parent.relative_to(ROOT)) + "/" for file in tracked("ecops_lib/**/__init__.py")
    }
    assert [name for name in sorted(folders) if name.split("/")[-2] not in text] == []


def test_architecture_has_a_line_for_every_dependency() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    names = [re.match(r"[a-z0-9-]+", line)[0] for line in project()["dependencies"]]
    assert [name for name in names if f"| {name} |" not in text] == []


def test_import_of_the_library_loads_nothing_heavy() -> None:
    heavy = "pandas duckdb deltalake matplotlib seaborn statsmodels scipy great_tables papermill"
    code = (
        "import sys, ecops_lib, ecops_lib.cli; "
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
