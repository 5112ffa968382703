#!/bin/sh
# Makes .venv and fills it; what is already there and up to date is left alone (then this takes a moment).
# usage: scripts/setup.sh run|test
# A stamp holds the hash of what its step was made from, so a changed lock file or catalogue runs the step again.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}

python=${PYTHON:-}
for candidate in $python python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo 'Guanjia needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv' >&2
    exit 1
fi

fresh() { [ "$(cat ".venv/.$1" 2>/dev/null)" = "$2" ]; }
stamp() { echo "$2" >".venv/.$1"; }
hash() { cat "$@" 2>/dev/null | sha256sum | cut -c1-64; }

system=$(hash scripts/system-packages.sh)
fresh "system-$kind" "$system" || scripts/system-packages.sh "$kind"

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    echo 'Making the Python environment .venv'
    "$python" -m venv --clear .venv
fi
stamp "system-$kind" "$system"

install() { # lock file
    wanted=$(hash "$1")
    fresh "$1" "$wanted" && return
    echo "Installing $1"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
    stamp "$1" "$wanted"
}
install requirements.txt
[ "$kind" = run ] || install requirements-dev.txt

catalogues=$(find translations -name '*.po' 2>/dev/null | sort)
if [ -n "$catalogues" ]; then
    # shellcheck disable=SC2086  # a list of our own file names
    wanted=$(hash $catalogues)
    for catalogue in $catalogues; do [ -e "${catalogue%.po}.mo" ] || wanted="$wanted again"; done
    if ! fresh translations "$wanted"; then
        .venv/bin/pybabel --quiet compile --use-fuzzy -d translations
        stamp translations "${wanted%% *}"
    fi
fi
