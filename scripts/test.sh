#!/bin/sh
# Runs the whole suite on both engines: everything on SQLite, and on PostgreSQL whatever stands on a database, without
# the browser. What never opens a database (pure functions, layout of papers, the code itself) proves the same on both;
# tests/conftest.py sorts it out and refuses a database to a test that it would have left out.
# usage: scripts/test.sh [both|sqlite|postgres|fast|measure] [PYTEST ARGUMENT...]
#   fast     SQLite without the browser and without the tests of tests/slow.txt: about a minute
#   measure  every test that is not of the browser, to write tests/slow.txt anew; on an idle machine
set -eu
cd "$(dirname "$0")/.."
engine=${1:-both}
[ $# = 0 ] || shift
workers=${TEST_WORKERS:-2}
# Neighbours stay on one worker, which keeps what a file of tests sets up, and whoever is done takes from the other.
unset PYTHONDONTWRITEBYTECODE || true # the suite starts the program many times; compiled files halve that

on_sqlite() {
    echo "== SQLite =="
    env -u GUANJIA_TEST_DATABASE_URL .venv/bin/python -m pytest -n "$workers" --dist worksteal "$@"
}
on_postgres() {
    echo "== PostgreSQL =="
    scripts/with-postgres.sh .venv/bin/python -m pytest -n "$workers" --dist worksteal -m 'not browser' "$@"
}

case "$engine" in
    sqlite) on_sqlite -m 'not postgres' "$@" ;;
    fast) on_sqlite -m 'not postgres and not browser and not slow' "$@" ;;
    measure) on_sqlite -p tests.measuring -m 'not postgres and not browser' "$@" ;;
    postgres) on_postgres "$@" ;;
    both) on_sqlite -m 'not postgres' "$@" && on_postgres "$@" ;;
    *) echo "unknown engine $engine: both, sqlite, postgres, fast or measure" >&2; exit 2 ;;
esac
