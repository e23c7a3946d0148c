"""The repository keeps house: its packages are its own, and no file tells where it was made."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Written in pieces, so that this file passes its own test.
_DOT = r"\s*\.\s*"
REGISTRY = re.compile(
    "|".join(
        [
            rf"\bpypi{_DOT}(org|python{_DOT}org|io)\b",
            rf"\bpython{'hosted'}{_DOT}org\b",
            rf"\b{'ana'}conda{_DOT}(org|com)\b",
            rf"\bregistry{_DOT}(npmjs|yarnpkg){_DOT}",
            rf"\b(static{_DOT}|index{_DOT})?crates{_DOT}io\b",
            rf"\bproxy{_DOT}golang{_DOT}org\b",
            r"https?://[^\s\"')>]*(/simple\b|artifactory|devpi|/nexus/|/pypi/)",
            r"^\s*--?(index-url|extra-index-url|find-links|trusted-host)\b",
            r"\bpkg\.dev\b|\bjfrog\.io\b",
        ]
    ),
    re.IGNORECASE | re.MULTILINE,
)
# An absolute path below a directory that differs from machine to machine; a web address ending so is none.
MACHINE_PATH = re.compile(
    r"(?<![\w./~$})-])(?:file:/{2,3})?/(?:work|home|root|tmp|opt|mnt|srv|Users|Volumes)/\w|\b[A-Z]:\\{1,2}Users\\"
)


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = listing.split("\0")
    assert "pyproject.toml" in names, "git lists nothing, so the scan would prove nothing"
    return [path for name in names if name and (path := ROOT / name).is_file()]


def offences(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in committed_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", errors="replace")
        for hit in pattern.finditer(text):
            line = text.count("\n", 0, hit.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {hit.group()!r}")
    return found


@pytest.mark.parametrize("name", ["agents", "protocol", "experiments"])
def test_our_packages_are_not_shadowed_by_those_of_another_distribution(name):
    package = importlib.import_module(name)

    assert package.__file__ is not None, f"{name} has no __init__.py, or is not ours"
    assert Path(package.__file__).resolve() == ROOT / name / "__init__.py"


def test_no_committed_file_names_a_package_registry():
    assert offences(REGISTRY) == []


def test_no_committed_file_names_a_path_of_a_machine():
    assert offences(MACHINE_PATH) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY, "see " + "py" + "pi" + ".org/project/x"),
        (REGISTRY, "https://files." + "python" + "hosted.org/a"),
        (REGISTRY, "numpy==2\n" + "--" + "index-url x"),
        (REGISTRY, "https://mirror.example/" + "simple/"),
        (MACHINE_PATH, '"' + "/ho" + 'me/somebody/x"'),
        (MACHINE_PATH, "file://" + "/wo" + "rk/x"),
        (MACHINE_PATH, "C:" + "\\Users\\x"),
    ],
)
def test_the_scan_sees_a_planted_offence(pattern, text):
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["agents/work/x.py", "https://example.org/home/x", "/usr/bin/env bash", "~/tmp/x"])
def test_the_scan_leaves_ordinary_paths_alone(text):
    assert not MACHINE_PATH.search(text)


def test_constraints_pin_exact_versions_and_name_no_place():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert len(lines) > 20
    assert "://" not in "".join(lines)
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[\w.+!]+( ; [^@/]+)?", line)] == []


@pytest.mark.parametrize(("name", "prefix"), [("assumptions", ""), ("findings", "F")])
def test_numbered_rows_of_the_documents_count_from_one_without_gap_or_repeat(name, prefix):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^\| ([A-Z]*\d+) \|", text, re.MULTILINE)

    assert numbers == [f"{prefix}{n}" for n in range(1, len(numbers) + 1)]
    assert len(numbers) > 5
