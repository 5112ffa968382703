#!/bin/sh
# Prints the folder with PostgreSQL's server programs (the newest one), or fails with a sentence.
for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) /usr/local/bin /usr/local/pgsql/bin /usr/bin; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ]; then
        echo "$folder"
        exit 0
    fi
done
echo 'No PostgreSQL server was found (initdb, pg_ctl, postgres).' >&2
exit 1
