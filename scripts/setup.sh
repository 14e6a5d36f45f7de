#!/bin/sh
# Makes .venv with everything the project needs, Debian packages included.
# Usage: scripts/setup.sh [test]   ("test" also wants a virtual screen)
set -eu
cd "$(dirname "$0")/.."
wanted="window display ${1:-}"

have() {
    case "$1" in
        *.so.*) ldconfig -p 2>/dev/null | grep -q -F "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q -F "$1" ;;
        fonts/*) ls /usr/share/fonts/*/* >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=""
if command -v apt-get >/dev/null 2>&1; then
    while read -r thing package use; do
        case "$thing" in ''|'#'*) continue ;; esac
        case " $wanted " in *" $use "*) have "$thing" || missing="$missing $package" ;; esac
    done < resources/debian-packages.txt
fi

python=""
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if command -v apt-get >/dev/null 2>&1; then
    if [ -z "$python" ]; then
        missing="$missing python3 python3-venv"
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        missing="$missing python3-venv"
    fi
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "Installing Debian packages:$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # Newer releases renamed libglib2.0-0; apt then names the successor itself.
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
        echo "Debian packages are missing. Install them with:" >&2
        echo "    sudo apt-get install -y$missing" >&2
        exit 1
    fi
fi
if [ -z "$python" ]; then
    python=python3
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || {
        echo "Python 3.11, 3.12 or 3.13 is needed, got $("$python" --version 2>&1)." >&2
        echo "Install one and run: PYTHON=/path/to/python make setup" >&2
        exit 1
    }
fi

stamp=.venv/.ready
want=$(cat pyproject.toml constraints.txt | cksum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$want" ]; then
    echo "Setting up .venv (a few minutes the first time)"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
    echo "$want" > "$stamp"
fi
