"""The page in a real browser: no complaint, nothing fetched, nothing wider than a telephone."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.report.studies import make_facts, make_study

from evenfit.report.page import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed"),
]

COMPLAINT = re.compile(r"CONSOLE|Refused to|ERR_|Content Security Policy")


def load(path: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Load a page with no network, and give what was said and the document that it became."""
    command = [
        BROWSER,
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *options,
        path.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(params=["binary", "multiclass", "regression"])
def report(request, tmp_path):
    study = make_study(request.param, rows=300, trials=9)
    facts = make_facts(study, name="<script>alert(1)</script>😀")
    path = tmp_path / "report.html"
    path.write_text(page(study, facts), encoding="utf-8")
    return path


def test_a_browser_has_nothing_to_complain_about(report, tmp_path):
    done = load(report, tmp_path, "--dump-dom")
    assert not COMPLAINT.search(done.stderr)
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;😀 · evenfit</title>" in done.stdout
    assert done.stdout.count("<svg") > 8


def test_a_complaint_would_be_seen(report, tmp_path):
    """The test above can fail: an image from elsewhere and a style on an element are both refused, aloud."""
    for broken in ('<img src="https://example.org/x.png">', '<p style="color: red">x</p>', "<script>1</script>"):
        other = tmp_path / "broken.html"
        other.write_text(report.read_text(encoding="utf-8").replace("</main>", f"{broken}</main>"), encoding="utf-8")
        assert COMPLAINT.search(load(other, tmp_path, "--dump-dom").stderr), broken


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(report, tmp_path, width):
    """A frame of that width asks the page inside how wide it is; only there may a script run."""
    inner = re.sub(r"<meta http-equiv=.*?>", "", report.read_text(encoding="utf-8"))
    (tmp_path / "inner.html").write_text(inner, encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe id="f" src="inner.html" width="{width}" height="800" style="border: 0"></iframe><p id="said"></p>'
        "<script>onload = () => {"
        "const page = document.getElementById('f').contentDocument.documentElement;"
        "document.getElementById('said').textContent = page.scrollWidth + ' of ' + page.clientWidth;"
        "}</script>",
        encoding="utf-8",
    )
    done = load(outer, tmp_path, "--dump-dom", "--allow-file-access-from-files")
    found = re.search(r"(\d+) of (\d+)", done.stdout)
    assert found, done.stderr
    assert int(found[1]) <= int(found[2])
