#!/bin/sh
# prepare.sh DIRECTORY SUITE…: makes a root folder with a real systemd for each release of Debian below DIRECTORY, and keeps
# it for the next time. Installs debootstrap and systemd-nspawn where they are missing; changes nothing else.
set -eu

LAB=$1
shift
[ "$(id -u)" = 0 ] || { echo "systemd-lab: only root may boot a systemd; use sudo" >&2 && exit 1; }
case "$LAB" in /*/?*) ;; *) echo "systemd-lab: LAB must be a whole path, two folders deep at least" >&2 && exit 1 ;; esac

for package in debootstrap/debootstrap systemd-container/systemd-nspawn; do
    command -v "${package#*/}" >/dev/null || apt-get install -y --no-install-recommends "${package%/*}"
done

for suite; do
    [ ! -e "$LAB/$suite/ready" ] || continue
    echo "systemd-lab: making $LAB/$suite"
    mkdir -p "$LAB/$suite"
    root=$LAB/$suite/root
    rm -rf --one-file-system "${root:?}"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3,python3-venv,iproute2,ca-certificates "$suite" "$root"
    # Configured inside: these need a system that looks like one.
    systemd-nspawn --quiet --register=no --keep-unit --pipe --directory="$root" sh -c '
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y --no-install-recommends libpam-systemd procps nftables firewalld ufw
        systemctl disable firewalld ufw
        apt-get clean' </dev/null
    touch "$LAB/$suite/ready"
done
