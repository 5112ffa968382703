#!/bin/sh
# Installs the system packages that are missing, and only those (Debian and its relatives).
# usage: scripts/system-packages.sh run|test
#   run   what laying out papers needs
#   test  that, and a browser, a PostgreSQL server, PDF tools and Chinese fonts for the screen
# Root, CI and calls without a terminal are not asked; a person at a terminal is, before sudo is used.
set -eu

library() { /sbin/ldconfig -p 2>/dev/null | grep -q "[[:space:]]$1 "; }
need() { packages="$packages $1"; }

packages=''
python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
library libpango-1.0.so.0 || need libpango-1.0-0
library libpangoft2-1.0.so.0 || need libpangoft2-1.0-0
library libharfbuzz.so.0 || need libharfbuzz0b
library libharfbuzz-subset.so.0 || need libharfbuzz-subset0
if [ "${1:-run}" = test ]; then
    library libatomic.so.1 || need libatomic1 # for the Node that drives the browser
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || need chromium-headless-shell
    "$(dirname "$0")/postgres-bin.sh" >/dev/null 2>&1 || need postgresql
    command -v pdftoppm >/dev/null || need poppler-utils
    fc-list :lang=zh-cn 2>/dev/null | grep -q . || need fonts-noto-cjk
fi
[ -n "$packages" ] || exit 0

by_hand="Please install these and run the same command again:$packages"
if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get. $by_hand (names as on Debian 12)" >&2
    exit 1
fi
as_root=''
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "You are not root and there is no sudo. $by_hand" >&2
        exit 1
    fi
    as_root=sudo
    if [ -t 0 ] && [ -z "${CI:-}" ]; then
        printf 'These system packages are missing:%s\nInstall them now with sudo apt-get? [y/N] ' "$packages"
        read -r answer
        case "$answer" in
            [yY]*) ;;
            *) echo "Nothing was installed. $by_hand" >&2; exit 1 ;;
        esac
    fi
fi

echo "Installing system packages:$packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
case "$packages" in
    *' postgresql'*) # the tests start their own server: none is to run on this machine because of us
        [ -e /etc/postgresql-common/createcluster.conf ] || $as_root sh -c \
            'mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf' ;;
esac
# shellcheck disable=SC2086  # $as_root may be empty, $packages is a list
if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq update &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold \
        -qq -y --no-install-recommends install $packages; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "The system packages could not be installed. $by_hand" >&2
    exit 1
fi
