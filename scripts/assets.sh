#!/bin/sh
# Rebuilds app/static/vendor and app/static/fonts from the versions in package-lock.json.
# A machine without Node gets one from the Python registry, into .venv.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null; then
    PATH="$PWD/.venv/bin:$PATH"
    export PATH
    command -v npm >/dev/null || .venv/bin/python -m pip install --quiet --require-hashes -r assets/node.txt
fi
npm ci --ignore-scripts --no-audit --no-fund
npm run --silent build
.venv/bin/python scripts/build_fonts.py
