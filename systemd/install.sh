#!/bin/sh
# Installs the services of this project under systemd, or takes them off again. Asks nothing; a second run changes only
# what differs. `install.sh --help` lists the options.
set -eu
umask 022

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck disable=SC2034 # the parts of this script, read below, use these
SOURCE=$(dirname -- "$HERE")
ROLES='' GIVEN='' PREFIX='' WHEELS='' PYTHON='' GATEWAY=no UNINSTALL=no PURGE=no
WORK=''

usage() {
    cat <<'END_OF_USAGE'
usage: install.sh --monitor [--node-name M5] [--port 8000] [--token-file FILE] [--alertmanager-url URL]
       install.sh --bridge  [--ray-dashboard http://127.0.0.1:8265] [--bridge-port 8001] [--port 8000]
                            [--bridge-token-file FILE] [--ray-token-file FILE] [--alertmanager-url URL]
       install.sh --gateway [--castray-port 28824]   (nginx on CastRay's port 28823, and the bridge)
       install.sh --notify  [--notify-port 5001] [--notify-token-file FILE]   (addresses: /etc/cmzsb/notify.addresses)
       install.sh --uninstall [--purge]

--monitor, --bridge, --notify  what to install (several may be given), or with --uninstall: take only this off
--gateway             nginx before the bridge and CastRay, which moves to another port; brings the bridge
--castray-port N      port to which CastRay moves behind the gateway
--castray URL         an existing CastRay, where the bridge learns of the nodes; with the gateway it is that one
--node-name NAME      name of this node; without it the host name
--port N              port of the node monitors (a bridge asks every node at this port)
--bridge-port N       port of the bridge
--ray-dashboard URL   where the bridge learns of the nodes
--alertmanager-url URL  Alertmanager as browsers reach it, for silences: wall and node's page link to it
--notify-port N       port of the notifications, on this machine only
--token-file FILE         the token that lets other machines report to the monitor
--bridge-token-file FILE  the token that the bridge's readers must give
--ray-token-file FILE     the token that Ray's dashboard demands of the bridge
--notify-token-file FILE  the token that Alertmanager must give
--wheels DIR          install from the wheels in DIR, without a network
--python PROGRAM      interpreter to use, 3.9 or later (bridge and notifications: 3.10); without it the first that fits
--prefix DIR          put everything below DIR and leave systemd alone: for a trial
--uninstall           take everything off; the journal, option files edited by hand, tokens and overrides stay
--purge               with --uninstall: these too
END_OF_USAGE
}

# Every message is in English and in Chinese.
say() { printf '%s\n%s\n' "$1" "$2"; }
fail() {
    { say "install.sh: $1" "install.sh: $2"; } >&2
    exit 1
}

. "$HERE/install-roles.sh"

parse() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --uninstall) UNINSTALL=yes ;;
        --gateway) GATEWAY=yes ;;
        --purge) PURGE=yes ;;
        --help | -h) usage && exit 0 ;;
        --*)
            if is_role "${1#--}"; then
                ROLES="$ROLES ${1#--}"
            else
                [ $# -ge 2 ] || fail "$1 is unknown or needs a value" "$1 未知或需要一个值"
                take_value "$1" "$2"
                shift
            fi
            ;;
        *) usage >&2 && fail "unknown option $1" "未知选项 $1" ;;
        esac
        shift
    done
    VENV=$PREFIX/opt/cmzsb
    UNITS=$PREFIX/etc/systemd/system
    DEFAULTS=$PREFIX/etc/default
    STATE=$PREFIX/var/lib
    check_options
}

take_value() {
    case "$1" in
    --wheels) WHEELS=$2 ;;
    --python) PYTHON=$2 ;;
    --prefix) PREFIX=$2 ;;
    *)
        is_option "$1" || { usage >&2 && fail "unknown option $1" "未知选项 $1"; }
        case "$2" in *[[:space:]]*) fail "$1 '$2': no blanks" "$1 '$2'：不能包含空白字符" ;; esac
        GIVEN="$GIVEN$1 $2
"
        ;;
    esac
}

check_options() {
    case "$PREFIX" in '' | /?*) ;; *) fail "--prefix must be an absolute path" "--prefix 必须是绝对路径" ;; esac
    for flag in $(flags_of_kind name); do check_name "$flag" "$(given "$flag")"; done
    for flag in $(flags_of_kind port); do check_port_number "$flag" "$(given "$flag")"; done
    for flag in $(flags_of_kind secret); do check_file "$(given "$flag")"; done
    [ "$PURGE" = no ] || [ "$UNINSTALL" = yes ] || fail "--purge goes with --uninstall" "--purge 须与 --uninstall 一起使用"
    if [ "$UNINSTALL" = no ]; then choose_gateway; fi
    if [ -z "$ROLES" ] && [ "$GATEWAY" = no ]; then
        [ "$UNINSTALL" = yes ] || { usage >&2 && fail "give --monitor or --bridge" "请指定 --monitor 或 --bridge"; }
        ROLES=$(all_roles | tr '\n' ' ') GATEWAY=yes
    fi
    [ -n "$PREFIX" ] || [ "$(id -u)" = 0 ] || fail "run it as root (sudo), or with --prefix" "请用 root（sudo）运行，或使用 --prefix"
}

check_name() {
    case "$2" in *[!A-Za-z0-9._-]*) fail "$1 $2: letters, digits, '.', '_' and '-'" "$1 $2：只能包含字母、数字、'.'、'_' 和 '-'" ;; esac
    [ ${#2} -le 63 ] || fail "$1 $2: ${#2} letters, 63 at most" "$1 $2：共 ${#2} 个字符，最多 63 个"
}

check_port_number() {
    case "$2" in
    '') return ;;
    *[!0-9]* | ??????*) ;;
    *) if [ "$2" -ge 1 ] && [ "$2" -le 65535 ]; then return; fi ;;
    esac
    fail "$1 $2: a port is a number from 1 to 65535" "$1 $2：端口号须为 1 到 65535"
}

check_file() {
    case "$1" in '') return ;; /*[!A-Za-z0-9._/-]* | [!/]*)
        fail "$1: give the whole path of the file, of letters, digits, '.', '_', '-' and '/'" \
            "$1：请给出文件的完整路径，只含字母、数字、'.'、'_'、'-' 和 '/'" ;;
    esac
    [ -r "$1" ] || fail "$1 cannot be read" "$1 无法读取"
}

. "$HERE/install-python.sh"
. "$HERE/install-options.sh"
. "$HERE/install-check.sh"
. "$HERE/install-firewall.sh"
. "$HERE/install-gateway.sh"
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

put_service() {
    unit=$(unit_of "$1")
    sed "s#=\(-\{0,1\}\)/opt/#=\1$PREFIX/opt/#; s#=-/etc/default/#=-$DEFAULTS/#" "$HERE/$unit.service" >"$WORK/made"
    put "$UNITS/$unit.service" <"$WORK/made"
    put_options "$1"
    put_secrets "$1"
    put_firewall_profiles "$unit" "$(port_of "$1")"
}

install_all() {
    for role in $ROLES; do
        [ -f "$HERE/$(unit_of "$role").service" ] || fail "no unit for --$role here" "此处没有 --$role 的 unit 文件"
    done
    find_python
    for role in $ROLES; do check_port_is_ours "$role"; done
    echo "cmzsb: ${PREFIX:-/}"
    put_package
    for role in $ROLES; do make_options "$role"; done
    for role in $ROLES; do
        before=$CHANGED
        put_service "$role"
        [ "$CHANGED" = "$before" ] || echo "$role" >>"$WORK/changed"
    done
    put_gateway
    if [ -n "$PREFIX" ]; then
        [ -n "$CHANGED" ] || say "Nothing to change." "无需更改。"
        say "Installed below $PREFIX; systemd was left alone." "已安装到 $PREFIX；未改动 systemd。"
        return
    fi
    run_all
}

# Starts what is new and, with a new package, every installed service; then looks at each.
run_all() {
    update_firewalls
    systemctl daemon-reload
    for role in $(concerned_roles); do start "$role"; done
    [ -n "$CHANGED" ] || say "Nothing to change." "无需更改。"
    status=0
    for role in $(concerned_roles); do check_service "$role" || status=1; done
    case " $ROLES " in *" monitor "*) warn_default_name ;; esac
    start_gateway
    return $status
}

# Starts the service of role $1, again if its unit, its options or the package are not those that it runs with.
start() {
    unit=$(unit_of "$1")
    systemctl is-active --quiet "$unit" && echo "$1" >>"$WORK/ran"
    case " $ROLES " in *" $1 "*) systemctl enable --quiet "$unit" ;; esac
    systemctl reset-failed "$unit" 2>/dev/null || true
    if has_line "$1" "$WORK/changed" || ! is_current "$1"; then
        CHANGED="$CHANGED $unit"
        echo "  $unit: restart"
        systemctl restart "$unit" || true # check_service tells what to do
        cp "$VENV/package.cksum" "$VENV/$unit.runs"
    else
        systemctl start "$unit" || true
    fi
}

has_line() { grep -qx "$1" "$2" 2>/dev/null; }

# Whether the running service of role $1 has the installed package and the options of its file, also those that were
# written by hand.
is_current() {
    cmp -s "$VENV/package.cksum" "$VENV/$(unit_of "$1").runs" && are_options_applied "$1"
}

parse "$@"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [ "$UNINSTALL" = yes ]; then uninstall_all; else install_all; fi
