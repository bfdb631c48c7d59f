"""Writes the app's package, as azd makes it, where azd is not at hand: python3 infra/package.py ZIP

What .funcignore alone leaves of the checkout, by git's own reading of it. Needs git, and nothing of this project.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def packaged(root: Path = ROOT) -> list[str]:
    """Paths below `root`, in order, whether git knows them or not."""
    tracked = _listed(root, "--cached")
    left_out = _listed(root, "--cached", "--ignored", "--exclude-from=.funcignore")
    others = _listed(root, "--others", "--exclude-from=.funcignore")
    return sorted(path for path in (tracked - left_out) | others if (root / path).is_file())


def _listed(root: Path, *options: str) -> set[str]:
    listing = subprocess.run(["git", "ls-files", "-z", *options], cwd=root, check=True, capture_output=True)  # noqa: S603, S607 - git, by its name
    return set(filter(None, listing.stdout.decode().split("\0")))


def main(target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in packaged():
            package.write(ROOT / path, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
