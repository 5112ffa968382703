#!/bin/sh
# Runs the whole suite on both engines: everything on SQLite, and once more on PostgreSQL without the browser.
# usage: scripts/test.sh [both|sqlite|postgres|fast] [PYTEST ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
engine=${1:-both}
[ $# = 0 ] || shift
workers=${TEST_WORKERS:-2}
unset PYTHONDONTWRITEBYTECODE || true # the suite starts the program many times; compiled files halve that

on_sqlite() {
    echo "== SQLite =="
    env -u GUANJIA_TEST_DATABASE_URL .venv/bin/python -m pytest -n "$workers" "$@"
}
on_postgres() {
    echo "== PostgreSQL =="
    scripts/with-postgres.sh .venv/bin/python -m pytest -n "$workers" -m 'not browser' "$@"
}

case "$engine" in
    sqlite) on_sqlite -m 'not postgres' "$@" ;;
    fast) on_sqlite -m 'not postgres and not browser and not slow' "$@" ;;
    postgres) on_postgres "$@" ;;
    both) on_sqlite -m 'not postgres' "$@" && on_postgres "$@" ;;
    *) echo "unknown engine $engine: both, sqlite, postgres or fast" >&2; exit 2 ;;
esac
