#!/bin/sh
# Sets up everything that `make demo` and `make test` need: Debian packages (where that is allowed) and .venv.
# Usage: scripts/setup.sh packages [bench|images] | scripts/setup.sh venv PYTHON
set -eu

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

missing_packages() {
    { command -v prometheus && command -v promtool; } >/dev/null || printf 'prometheus '
    { command -v prometheus-alertmanager || command -v alertmanager; } >/dev/null || printf 'prometheus-alertmanager '
    command -v amtool >/dev/null || printf 'prometheus-alertmanager '
    command -v chromium >/dev/null || printf 'chromium '
    command -v systemd-analyze >/dev/null || printf 'systemd '
    command -v shellcheck >/dev/null || printf 'shellcheck '
    command -v curl >/dev/null || printf 'curl '
    command -v openssl >/dev/null || printf 'openssl '
    command -v docker-compose >/dev/null || printf 'docker-compose '
    [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || printf 'nginx-light '
    "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv '
}

missing_for_bench() {
    command -v wrk >/dev/null || printf 'wrk '
    command -v prometheus-node-exporter >/dev/null || printf 'prometheus-node-exporter '
}

missing_for_images() {
    command -v buildah >/dev/null || printf 'buildah '
    command -v debootstrap >/dev/null || printf 'debootstrap '
}

# Debian starts and enables a service when its package is installed; a policy-rc.d that says 101 prevents the
# start, and disabling the unit prevents it at the next boot.
install_without_starting() {
    policy=/usr/sbin/policy-rc.d
    ours=no
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    status=0
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        status=$?
    if [ "$ours" = yes ]; then as_root rm -f "$policy"; fi
    if command -v systemctl >/dev/null; then
        for unit in "$@"; do
            case "$unit" in
                nginx-light) as_root systemctl disable nginx >/dev/null 2>&1 || true ;;
                prometheus*) as_root systemctl disable "$unit" >/dev/null 2>&1 || true ;;
            esac
        done
    fi
    return "$status"
}

packages() {
    needed=$(
        missing_packages
        [ "$1" != bench ] || missing_for_bench
        [ "$1" != images ] || missing_for_images
    )
    [ -n "$needed" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    set -- $needed
    if may_install; then
        say "setup: installing Debian packages: $*"
        install_without_starting "$@" || say "setup: apt-get failed; go on without: $*"
    else
        say "setup: missing: $*; as root: apt-get install --no-install-recommends $*"
    fi
}

venv() {
    [ -x .venv/bin/python ] || "$1" -m venv .venv
    say "setup: installing the package and its tools into .venv (Ray is large: a minute or two)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all,dev,bench]'
}

case "${1:-}" in
packages) packages "${2:-}" ;;
venv) venv "${2:-python3}" ;;
*) say "usage: scripts/setup.sh packages [bench|images] | venv PYTHON"; exit 2 ;;
esac
