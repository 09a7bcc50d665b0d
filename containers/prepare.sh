#!/bin/sh
# Makes the .env and the secrets that compose.yaml wants; what is there stays as it is.
# Usage: containers/prepare.sh RAY_HEAD [SERVER]
set -eu
umask 077
cd "$(dirname -- "$0")"

# Every message is in English and in Chinese.
say() { printf '%s\n%s\n' "$1" "$2"; }
fail() {
    { say "prepare.sh: $1" "prepare.sh: $2"; } >&2
    exit 2
}

is_ip() {
    case $1 in '' | *[!0-9.]* | *..* | .* | *.) return 1 ;; *.*.*.*.*) return 1 ;; *.*.*.*) return 0 ;; *) return 1 ;; esac
}

RAY_HEAD=${1:-}
SERVER=${2:-$RAY_HEAD}
is_ip "$RAY_HEAD" || fail "usage: containers/prepare.sh IP_OF_RAYS_HEAD [ADDRESS_OF_THIS_MACHINE]" \
    "用法：containers/prepare.sh Ray头节点的IP [本机地址]"
case $SERVER in *[!A-Za-z0-9.-]*) fail "$SERVER is no name and no address" "$SERVER 不是名称或地址" ;; esac

# The images' own user where root makes the files, else the group of the user who does.
GROUP=$(id -g)
[ "$(id -u)" != 0 ] || GROUP=10001

# Writes what it reads to the secret $1, unless that is there.
secret() {
    [ ! -e "secrets/$1" ] || return 0
    cat >"secrets/$1"
    chmod 640 "secrets/$1"
    chgrp "$GROUP" "secrets/$1"
}

mkdir -p secrets
head -c 18 /dev/urandom | base64 | secret grafana_admin_password
secret ray_token </dev/null
secret castray_bridge_token </dev/null
secret notify_addresses <<'END'
# Where alerts go, one address per line: SEVERITIES LANGUAGE ADDRESS. docs/operations.md
# 告警发往何处，每行一个地址：级别 语言 地址。
#critical,warning zh wecombot://KEY
#watchdog https://hc-ping.example/UUID
END

if [ ! -e .env ]; then
    sed -e "s/^RAY_HEAD=.*/RAY_HEAD=$RAY_HEAD/" -e "s/^SERVER=.*/SERVER=$SERVER/" \
        -e "s/^SECRETS_GID=.*/SECRETS_GID=$GROUP/" env.example >.env
elif ! grep -qx "RAY_HEAD=$RAY_HEAD" .env; then
    fail "containers/.env names another head: edit it" "containers/.env 中的头节点不同：请直接编辑该文件"
fi
say "Next: write an address into containers/secrets/notify_addresses; then, in containers/: docker compose up --detach --build
Grafana's user admin has the password in containers/secrets/grafana_admin_password." \
    "下一步：在 containers/secrets/notify_addresses 中写入地址，然后在 containers/ 中执行：docker compose up --detach --build
Grafana 的 admin 用户的密码在 containers/secrets/grafana_admin_password 中。"
