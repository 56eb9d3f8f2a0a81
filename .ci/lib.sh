# Shared by the scripts beside it: banners with timings, and how to install what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
[ -d "$HOME/.cargo/bin" ] && PATH="$HOME/.cargo/bin:$PATH"
# Programs that only this checkout needs are kept in it.
tools=$PWD/target/tools
PATH="$tools/bin:$PATH"

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

# Makes a program of .ci/tools.txt available: tool PROGRAM. A ready-made one takes seconds and compiling
# it minutes, so that is for machines without pip and for those that none was made for.
tool() {
    local name=$1 line package version crate=$1 had
    line=$(sed -n "s/^\(\(astral-dev-toolchain-\)\{0,1\}$name==[^ ]*\).*/\1/p" .ci/tools.txt)
    [ -n "$line" ] || fail "'$name' is not in .ci/tools.txt"
    package=${line%%==*} version=${line##*==}
    [ "$name" = typos ] && crate=typos-cli
    # The programs of cargo expect their own name as the first argument.
    had=$(if [ "$name" = typos ]; then typos --version; else "$name" "${name#cargo-}" --version; fi 2>/dev/null | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p' || true)
    # Another version of the runner will do; those that judge must judge alike on every machine.
    if [ "$had" = "$version" ] || { [ -n "$had" ] && [ "$name" = cargo-nextest ]; }; then return; fi
    step "install $name $version"
    mkdir -p "$tools/bin"
    grep -A 3 "^$package==" .ci/tools.txt >"$tools/$name.txt"
    python3 -m pip --version >/dev/null 2>&1 || { have apt-get && install_packages python3 python3-pip; } || true
    if python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps \
        --only-binary :all: --require-hashes --upgrade --target "$tools/$name" -r "$tools/$name.txt"; then
        ln -sf "../$name/bin/$name" "$tools/bin/$name"
    else
        cargo install --quiet --locked --root "$tools" --version "$version" "$crate"
    fi
}

# The directory of PostgreSQL's server programs, newest first; empty when there are none.
postgres_bin() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -1)
    if [ -n "$found" ] && [ -x "$found/initdb" ]; then echo "$found"
    elif have initdb; then dirname "$(command -v initdb)"
    fi
}

# A database to try things in: the one of DATABASE_URL, else the private one.
need_database() {
    [ -n "${DATABASE_URL:-}" ] && return
    .ci/postgres start
    DATABASE_URL=$(.ci/postgres url)
    export DATABASE_URL
}

# A server and a native device to try things with: PANTRY_PROGRAMS is where one was built before.
need_programs() {
    if [ -z "${PANTRY_PROGRAMS:-}" ]; then
        cargo build --quiet --locked -p sync-server -p client-sdk
        PANTRY_PROGRAMS=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
    fi
    export PANTRY_PROGRAMS
}
