#!/bin/sh
# Runs a command beside a throw-away PostgreSQL server, which is stopped and removed at the end.
# usage: scripts/with-postgres.sh COMMAND [ARGUMENT...]
# The command finds GUANJIA_TEST_DATABASE_URL: superuser `postgres`, database `postgres`, over a private socket.
set -eu

bin=$("$(dirname "$0")/postgres-bin.sh")
home=$(mktemp -d "${TMPDIR:-/tmp}/guanjia-pg.XXXXXX")

as_owner() { "$@"; }
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
    owner=$(id -un postgres 2>/dev/null || echo nobody)
    chown "$owner" "$home"
    as_owner() { (cd "$home" && runuser -u "$owner" -- "$@"); }
fi

finish() {
    [ ! -e "$home/data/postmaster.pid" ] || as_owner "$bin/pg_ctl" -D "$home/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    cat "$home/log" >&2
    echo "$1" >&2
    exit 1
}
as_owner "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$home/log" 2>&1 ||
    fail 'The PostgreSQL data folder could not be made.'
# No disk syncs: the data does not outlive the run.
as_owner "$bin/pg_ctl" -D "$home/data" -l "$home/data/server.log" -w -t 60 \
    -o "-c listen_addresses='' -k $home -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start >>"$home/log" 2>&1 ||
    { cat "$home/data/server.log" >>"$home/log" 2>/dev/null || true; fail 'The PostgreSQL server did not start.'; }

GUANJIA_TEST_DATABASE_URL="postgresql+psycopg://postgres@/postgres?host=$home" "$@"
