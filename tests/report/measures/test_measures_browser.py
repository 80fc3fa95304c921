"""Pages of measurements in a real browser: no complaint, and nothing wider than a telephone."""

import os
import re
import shutil
import subprocess

import pytest
from tests.report.measures.measured import KINDS, written

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
COMPLAINT = re.compile(r"CONSOLE|Refused to|ERR_|Content Security Policy")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed"),
]


def load(path, folder, *options):
    """Load a page with no network: what was said, and the document that it became."""
    command = [
        BROWSER,
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *options,
        path.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_shows_every_figure_and_complains_of_nothing(kind, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(written(kind, name="<script>alert(1)</script>"), encoding="utf-8")
    done = load(path, tmp_path, "--dump-dom")
    assert not COMPLAINT.search(done.stderr)
    assert "<title>&lt;script&gt;" in done.stdout
    assert done.stdout.count("<svg") == path.read_text(encoding="utf-8").count("<svg") >= 1


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_the_window(kind, width, tmp_path):
    """A frame of that width asks the page inside how wide it is; only there may a script run."""
    (tmp_path / "inner.html").write_text(re.sub(r"<meta http-equiv=.*?>", "", written(kind)), encoding="utf-8")
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
