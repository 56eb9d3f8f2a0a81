# Shared by the scripts beside it: banners with timings, and how to install what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
[ -d "$HOME/.cargo/bin" ] && PATH="$HOME/.cargo/bin:$PATH"

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }
fail() { printf 'error: %s\n' "$1" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs as root, by sudo when we are somebody else.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo; then sudo "$@"
    else fail "'$1' must be run as root and there is no sudo; install the package by hand and try again"
    fi
}

apt_updated=no
install_packages() {
    have apt-get || fail "please install: $* (this machine has no apt-get)"
    if [ "$apt_updated" = no ]; then as_root apt-get update -qq; apt_updated=yes; fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The directory of PostgreSQL's server programs, newest first; empty when there are none.
postgres_bin() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -1)
    if [ -n "$found" ] && [ -x "$found/initdb" ]; then echo "$found"
    elif have initdb; then dirname "$(command -v initdb)"
    fi
}
