#!/bin/sh
# Installs the node monitor and the CastRay bridge as systemd services, or takes them off again. Asks nothing; a second
# run changes only what differs. `install.sh --help` lists the options.
set -eu
umask 022

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
SOURCE=$(dirname -- "$HERE")
ROLES='' PREFIX='' WHEELS='' NODE_NAME='' PORT='' BRIDGE_PORT='' RAY='' PYTHON='' UNINSTALL=no PURGE=no
TOKEN='' BRIDGE_TOKEN='' RAY_TOKEN=''
WORK=''

usage() {
    cat <<'END'
usage: install.sh --monitor [--node-name M5] [--port 8000] [--token-file FILE]
       install.sh --bridge  [--ray-dashboard http://127.0.0.1:8265] [--bridge-port 8001] [--port 8000]
                            [--bridge-token-file FILE] [--ray-token-file FILE]
       install.sh --uninstall [--purge]

--monitor, --bridge   what to install (both may be given), or with --uninstall: take only this off
--node-name NAME      name of this node; without it the host name
--port N              port of the node monitors (a bridge asks every node at this port)
--bridge-port N       port of the bridge
--ray-dashboard URL   where the bridge learns of the nodes
--token-file FILE         the token that lets other machines report to the monitor
--bridge-token-file FILE  the token that the bridge's readers must give
--ray-token-file FILE     the token that Ray's dashboard demands of the bridge
--wheels DIR          install from the wheels in DIR, without a network
--python PROGRAM      interpreter to use, 3.10 or later; without it the first that fits
--prefix DIR          put everything below DIR and leave systemd alone: for a trial
--uninstall           take everything off; the journal and option files edited by hand stay
--purge               with --uninstall: these too
END
}

# Every message is in English and in Chinese.
say() { printf '%s\n%s\n' "$1" "$2"; }
fail() {
    { say "install.sh: $1" "install.sh: $2"; } >&2
    exit 1
}

parse() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --monitor) ROLES="$ROLES monitor" ;;
        --bridge) ROLES="$ROLES bridge" ;;
        --uninstall) UNINSTALL=yes ;;
        --purge) PURGE=yes ;;
        --help | -h) usage && exit 0 ;;
        --*)
            [ $# -ge 2 ] || fail "$1 is unknown or needs a value" "$1 未知或需要一个值"
            take_value "$1" "$2"
            shift
            ;;
        *) usage >&2 && fail "unknown option $1" "未知选项 $1" ;;
        esac
        shift
    done
    check_options
    VENV=$PREFIX/opt/cmzsb
    UNITS=$PREFIX/etc/systemd/system
    DEFAULTS=$PREFIX/etc/default
    STATE=$PREFIX/var/lib
}

take_value() {
    case "$1" in
    --node-name) NODE_NAME=$2 ;;
    --port) PORT=$2 ;;
    --bridge-port) BRIDGE_PORT=$2 ;;
    --ray-dashboard) RAY=$2 ;;
    --token-file) TOKEN=$2 ;;
    --bridge-token-file) BRIDGE_TOKEN=$2 ;;
    --ray-token-file) RAY_TOKEN=$2 ;;
    --wheels) WHEELS=$2 ;;
    --python) PYTHON=$2 ;;
    --prefix) PREFIX=$2 ;;
    *) usage >&2 && fail "unknown option $1" "未知选项 $1" ;;
    esac
}

check_options() {
    case "$PREFIX" in '' | /?*) ;; *) fail "--prefix must be an absolute path" "--prefix 必须是绝对路径" ;; esac
    case "$NODE_NAME" in *[!A-Za-z0-9._-]*)
        fail "--node-name $NODE_NAME: letters, digits, '.', '_' and '-'" "节点名称只能包含字母、数字、'.'、'_' 和 '-'" ;;
    esac
    for number in "$PORT" "$BRIDGE_PORT"; do
        case "$number" in *[!0-9]*) fail "$number is no port" "$number 不是端口号" ;; esac
    done
    for file in "$TOKEN" "$BRIDGE_TOKEN" "$RAY_TOKEN"; do
        case "$file" in '') continue ;; /*[!A-Za-z0-9._/-]* | [!/]*)
            fail "$file: give the whole path of the token file, of letters, digits, '.', '_', '-' and '/'" \
                "$file：请给出令牌文件的完整路径，只含字母、数字、'.'、'_'、'-' 和 '/'" ;;
        esac
        [ -r "$file" ] || fail "$file cannot be read" "$file 无法读取"
    done
    [ "$PURGE" = no ] || [ "$UNINSTALL" = yes ] || fail "--purge goes with --uninstall" "--purge 须与 --uninstall 一起使用"
    if [ -z "$ROLES" ]; then
        [ "$UNINSTALL" = yes ] || { usage >&2 && fail "give --monitor or --bridge" "请指定 --monitor 或 --bridge"; }
        ROLES='monitor bridge'
    fi
    [ -n "$PREFIX" ] || [ "$(id -u)" = 0 ] || fail "run it as root (sudo), or with --prefix" "请用 root（sudo）运行，或使用 --prefix"
}

unit_of() { case "$1" in monitor) echo cm-zsb-monitor ;; bridge) echo castray-bridge ;; esac; }
listen_variable() { case "$1" in monitor) echo CMZSB_LISTEN ;; bridge) echo CASTRAY_BRIDGE_LISTEN ;; esac; }

# Prints the value of variable $2 in option file $1.
option() { [ ! -f "$1" ] || sed -n "s/^$2=//p" "$1" | tail -n 1; }

# What role $1 listens on, HOST:PORT: the port as asked for now, the rest as set before, else the default.
listen_of() {
    case "$1" in monitor) asked=$PORT default=8000 ;; bridge) asked=$BRIDGE_PORT default=8001 ;; esac
    set_before=$(option "$DEFAULTS/$(unit_of "$1")" "$(listen_variable "$1")")
    set_before=${set_before:-0.0.0.0:$default}
    echo "${set_before%:*}:${asked:-${set_before##*:}}"
}

port_of() { listen_of "$1" | sed 's/.*://'; }

. "$HERE/install-python.sh"
. "$HERE/install-check.sh"
. "$HERE/install-remove.sh"

# Copies stdin to $1 unless that is what it holds; notes a change. Not to be piped into: a pipe's end is a process of
# its own, and its notes are lost.
CHANGED=''
put() {
    cat >"$WORK/new"
    if ! cmp -s "$WORK/new" "$1"; then
        mkdir -p "$(dirname "$1")"
        cp "$WORK/new" "$1"
        chmod 644 "$1"
        CHANGED="$CHANGED $1"
        echo "  $1"
    fi
}

# Sets variable $2 to $3 in option file $1 and leaves every other line alone; an empty value sets nothing.
set_option() {
    [ -n "$3" ] || return 0
    awk -v key="$2" -v line="$2=$3" '
        $0 ~ "^#?" key "=" { if (!done) print line; done = 1; next }
        { print }
        END { if (!done) print line }' "$1" >"$WORK/options"
    put "$1" <"$WORK/options"
}

put_options() {
    file=$DEFAULTS/$(unit_of "$1")
    was_ours=yes
    [ ! -f "$file" ] || is_as_written "$file" || was_ours=no
    [ -f "$file" ] || put "$file" <"$HERE/$(unit_of "$1").env"
    case "$1" in
    monitor)
        set_option "$file" CMZSB_NODE_NAME "$NODE_NAME"
        set_option "$file" CMZSB_LISTEN "${PORT:+$(listen_of monitor)}"
        ;;
    bridge)
        set_option "$file" CASTRAY_BRIDGE_RAY_DASHBOARD "$RAY"
        set_option "$file" CASTRAY_BRIDGE_LISTEN "${BRIDGE_PORT:+$(listen_of bridge)}"
        set_option "$file" CASTRAY_BRIDGE_MONITOR_PORT "$PORT"
        ;;
    esac
    [ "$was_ours" = no ] || cksum <"$file" >"$VENV/$(unit_of "$1").cksum"
}

# Whether option file $1 is as this script wrote it last.
is_as_written() { [ "$(cksum <"$1")" = "$(cat "$VENV/$(basename "$1").cksum" 2>/dev/null)" ]; }

# Lets service $1 have the token in file $2 as its option $3. The file may be root's alone: the service's user, who
# exists only while it runs, gets a copy from systemd. Its path is spelt out because systemd before 250 has no %d and
# would start the service without a token.
put_token() {
    [ -n "$2" ] || return 0
    credential=$(echo "$3" | tr 'A-Z_' 'a-z-')
    cat >"$WORK/made" <<END
[Service]
LoadCredential=$credential:$2
Environment=$3=/run/credentials/$1.service/$credential
END
    put "$UNITS/$1.service.d/$credential.conf" <"$WORK/made"
}

put_service() {
    unit=$(unit_of "$1")
    sed "s#=\(-\{0,1\}\)/opt/#=\1$PREFIX/opt/#; s#=-/etc/default/#=-$DEFAULTS/#" "$HERE/$unit.service" >"$WORK/made"
    put "$UNITS/$unit.service" <"$WORK/made"
    put_options "$1"
    case "$1" in
    monitor) put_token "$unit" "$TOKEN" CMZSB_TOKEN_FILE ;;
    bridge)
        put_token "$unit" "$BRIDGE_TOKEN" CASTRAY_BRIDGE_TOKEN_FILE
        put_token "$unit" "$RAY_TOKEN" CASTRAY_BRIDGE_RAY_TOKEN_FILE
        ;;
    esac
    port=$(port_of "$1")
    # Where the firewall is not installed (yet) its profile does no harm, and is there when it is.
    sed "s/port=\"[0-9]*\"/port=\"$port\"/" "$HERE/firewalld/$unit.xml" >"$WORK/made"
    put "$PREFIX/etc/firewalld/services/$unit.xml" <"$WORK/made"
    sed "s#^ports=.*#ports=$port/tcp#" "$HERE/ufw/$unit" >"$WORK/made"
    put "$PREFIX/etc/ufw/applications.d/$unit" <"$WORK/made"
}

install_all() {
    find_python
    for role in $ROLES; do check_port_is_ours "$role"; done
    echo "cmzsb: ${PREFIX:-/}"
    put_package
    for role in $ROLES; do
        before=$CHANGED
        put_service "$role"
        [ -n "$PREFIX" ] || start "$role" "$before"
    done
    if [ -z "$CHANGED" ]; then say "Nothing to change." "无需更改。"; fi
    if [ -n "$PREFIX" ]; then
        say "Installed below $PREFIX; systemd was left alone." "已安装到 $PREFIX；未改动 systemd。"
        return
    fi
    status=0
    for role in $ROLES; do check_service "$role" || status=1; done
    return $status
}

# Starts the service of role $1, again if its unit, its options or the package ($2: what had changed before) are new.
start() {
    unit=$(unit_of "$1")
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl reset-failed "$unit" 2>/dev/null || true
    if [ "$CHANGED" != "$2" ] || [ -n "$PACKAGE_CHANGED" ]; then
        systemctl restart "$unit" || true # check_service tells what to do
    else
        systemctl start "$unit" || true
    fi
}

parse "$@"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [ "$UNINSTALL" = yes ]; then uninstall_all; else install_all; fi
