"""What the tests of export share."""

import re
import subprocess
import sys

import pytest


@pytest.fixture
def run_example():
    """Run the Python of a model card in its folder, in a process of its own that must not need evenfit."""

    def run(folder, *, more=""):
        card = (folder / "model-card.md").read_text(encoding="utf-8")
        [(_, code)] = re.findall(r"^(`{3,})python\n(.*?)^\1$", card, flags=re.DOTALL | re.MULTILINE)
        path = folder / "example.py"
        path.write_text("import sys\nsys.modules['evenfit'] = None\n" + code + more, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", path.name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        path.unlink()
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
