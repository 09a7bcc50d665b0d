#!/bin/sh
# prepare.sh DIRECTORY SUITE…: makes a root folder with a real systemd for each release of Debian or Ubuntu below DIRECTORY,
# and keeps it for the next time. Installs debootstrap and systemd-nspawn where they are missing; changes nothing else.
# Ubuntu's archive is checked with the keyring that Debian 13 has, so `trixie` comes before `jammy`.
set -eu

LAB=$1
shift
[ "$(id -u)" = 0 ] || { echo "systemd-lab: only root may boot a systemd; use sudo" >&2 && exit 1; }
case "$LAB" in /*/?*) ;; *) echo "systemd-lab: LAB must be a whole path, two folders deep at least" >&2 && exit 1 ;; esac

BASE=systemd,systemd-sysv,dbus,python3,python3-venv,iproute2,ca-certificates
ADDED="libpam-systemd procps nftables firewalld ufw nginx-light"
KEYRING=ubuntu-archive-keyring

for package in debootstrap/debootstrap systemd-container/systemd-nspawn; do
    command -v "${package#*/}" >/dev/null || apt-get install -y --no-install-recommends "${package%/*}"
done

# Runs the shell script $2 in root folder $1, with the network of this machine.
inside() {
    systemd-nspawn --quiet --register=no --keep-unit --pipe --resolv-conf=replace-host --directory="$1" sh -ec "$2" </dev/null
}

# Leaves Ubuntu's keyring in $LAB.
get_ubuntu_keyring() {
    [ ! -e "$LAB/$KEYRING.gpg" ] || return 0
    from=$LAB/trixie/root/root/keyring # not in /tmp, which is in memory inside
    mkdir -p "$from"
    inside "$LAB/trixie/root" "cd /root/keyring && apt-get update && apt-get download ubuntu-keyring && dpkg-deb --extract ./*.deb ."
    cp "$from/usr/share/keyrings/$KEYRING.gpg" "$LAB/"
    rm -rf "$from"
}

make_root() {
    rm -rf --one-file-system "${2:?}"
    case "$1" in
    jammy | noble)
        get_ubuntu_keyring
        set -- "$@" --components=main,universe --keyring="$LAB/$KEYRING.gpg"
        ;;
    esac
    suite=$1 root=$2
    shift 2
    debootstrap --force-check-gpg --variant=minbase --include="$BASE" "$@" "$suite" "$root"
}

for suite; do
    root=$LAB/$suite/root
    [ "$(cat "$LAB/$suite/ready" 2>/dev/null)" != "$BASE $ADDED" ] || continue
    echo "systemd-lab: making $root"
    mkdir -p "$LAB/$suite"
    [ -e "$LAB/$suite/bootstrapped" ] || make_root "$suite" "$root"
    touch "$LAB/$suite/bootstrapped"
    # Configured inside: these need a system that looks like one.
    inside "$root" "
        export DEBIAN_FRONTEND=noninteractive
        apt-get update
        apt-get install -y --no-install-recommends $ADDED
        systemctl disable firewalld ufw nginx
        apt-get clean"
    echo "$BASE $ADDED" >"$LAB/$suite/ready"
done
