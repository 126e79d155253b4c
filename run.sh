#!/usr/bin/env bash
# One door for everything: ./run.sh VERB. Each verb does all the set-up it needs by itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

venv=.venv

say() { printf '%s\n' "$*" >&2; }

python_of_this_machine() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  say "Python 3.11 or newer is needed and was not found; set PYTHON to name one."
  exit 2
}

# set_up FILE: a virtual environment with exactly the pinned, hashed dependencies of deploy/FILE, and this project.
set_up() {
  local pinned="deploy/$1" stamp wanted
  stamp="$venv/.set-up-$1"
  wanted=$(cat "$pinned" pyproject.toml deploy/build_assets.py deploy/assets/package-lock.json | cksum)
  if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  [ -x "$venv/bin/python" ] || "$(python_of_this_machine)" -m venv "$venv"
  say "Installing pinned dependencies (once) …"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$pinned"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  printf '%s' "$wanted" >"$stamp"
}

verb=${1:-}
[ $# -gt 0 ] && shift
case "$verb" in
demo) # the whole way on sandbox networks; --no-serve ends after the log
  set_up requirements.txt
  exec "$venv/bin/kreativorte" demo "$@"
  ;;
test) # all tests, on all cores; further arguments go to pytest
  set_up requirements-dev.txt
  exec "$venv/bin/python" -m pytest -q -n auto --dist worksteal "$@"
  ;;
chaos) # the daemon dies at every fault point of every window; --quick takes a few points of each
  set_up requirements-dev.txt
  exec "$venv/bin/python" -m tests.chaos "$@"
  ;;
bench) # speed as ratios, each measured side by side; --quick takes fewer rounds
  set_up requirements-dev.txt
  exec "$venv/bin/python" -m tests.benchmarks "$@"
  ;;
check) # style, types, import rules, migrations equal tables
  set_up requirements-dev.txt
  "$venv/bin/ruff" check .
  "$venv/bin/mypy"
  "$venv/bin/lint-imports"
  "$venv/bin/python" -m pytest -q tests/migration
  ;;
docs) # generated pages: settings, state diagram
  set_up requirements-dev.txt
  "$venv/bin/python" -m campaign.settings
  "$venv/bin/python" docs/make.py
  ;;
screenshots) # docs/screenshots: the pages over the demonstration's data (needs Chromium)
  set_up requirements-dev.txt
  exec "$venv/bin/python" docs/screenshots.py
  ;;
kreativorte) # the command line itself: ./run.sh kreativorte doctor
  set_up requirements.txt
  exec "$venv/bin/kreativorte" "$@"
  ;;
lock) # renew the pinned dependencies (needs uv)
  for extra in "" "-dev"; do
    uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
      --no-annotate --extra build ${extra:+--extra dev} pyproject.toml -o "deploy/requirements$extra.txt" --quiet
  done
  ;;
*)
  say "Usage: ./run.sh VERB [ARGUMENTS]"
  say ""
  sed -n 's/^\([a-z]*\)) # \(.*\)$/  \1\t\2/p' "$0" | expand -t 16 >&2
  [ -z "$verb" ] && exit 0
  exit 2
  ;;
esac
