# shellcheck shell=sh
# What can be in the way, before and after; a part of install.sh.

# Prints what answers at $1, HOST:PORT to listen on, on three lines: the service's name in /api/health ("nobody", "castray"
# or "other" where there is none), its version, and why its health is bad.
who_answers() {
    "$PYTHON" - "$1" <<'END_OF_PROGRAM'
import json, socket, sys, urllib.request

host, _, port = sys.argv[1].rpartition(":")
# All addresses of the machine are asked by way of the loopback one.
host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)

def ask(path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{port}{path}", timeout=3) as reply:
            return json.loads(reply.read(1 << 20))
    except urllib.error.HTTPError as error:
        try:
            return json.loads(error.read(1 << 16))
        except ValueError:
            return None
    except (OSError, ValueError):
        return None

try:
    socket.create_connection((host.strip("[]"), int(port)), 3).close()
except OSError:
    print("nobody")
    sys.exit()
health = ask("/api/health")
if isinstance(health, dict) and health.get("service"):
    sys.stdout.reconfigure(encoding="utf-8")
    print(health["service"], health.get("version", ""), health.get("reason", ""), sep="\n")
else:
    reply = ask("/api/ray-dashboard")
    print("castray" if isinstance(reply, dict) and "data" in reply else "other")
END_OF_PROGRAM
}

# Ends the installation when the port of role $1 belongs to another program.
check_port_is_ours() {
    listen=$(listen_of "$1")
    port=${listen##*:}
    who=$(who_answers "$listen" | head -n 1)
    [ "$who" != nobody ] || return 0
    if [ -z "$PREFIX" ] && [ "$listen" = "$(listen_before "$1")" ] && systemctl is-active --quiet "$(unit_of "$1")"; then
        return
    fi
    [ "$who" != "$(service_of "$1")" ] || who=$1
    case "$1/$who" in
    monitor/castray)
        fail "port $port is taken by the old CastRay, and the monitor wants it too. Choose one:
  - the bridge replaces CastRay: install.sh --bridge, point the web client to port 8001, stop CastRay, run this again
  - both stay: install.sh --monitor --port 8002 on this node, and tell the bridge with an inventory:
    {\"nodes\": [{\"name\": \"HEAD\", \"ip\": \"IP\", \"monitor_port\": 8002}]}
  - no inference runs on the head node: it needs no monitor, only install.sh --bridge" \
            "端口 $port 已被旧的 CastRay 占用，监控服务也需要该端口。可选择：
  - 用桥接服务替代 CastRay：install.sh --bridge，把网页客户端指向 8001 端口，停止 CastRay，再次运行本命令
  - 两者并存：在本节点执行 install.sh --monitor --port 8002，并在桥接服务的 inventory 中写明 monitor_port
  - 头节点不运行推理：无需监控服务，只需 install.sh --bridge" ;;
    "$1/$1")
        fail "port $port has a $1 already that systemd did not start: end it first (from cmzsb-deploy: cmzsb-deploy --remove)" \
            "端口 $port 上已有一个不是由 systemd 启动的服务：请先结束它（由 cmzsb-deploy 启动的：cmzsb-deploy --remove）" ;;
    *)
        fail "port $port is taken by another program (ss -ltnp 'sport = :$port' shows which): end it, or choose another with --port or --bridge-port" \
            "端口 $port 被其他程序占用（ss -ltnp 'sport = :$port' 可查看）：请结束它，或用 --port、--bridge-port 另选端口" ;;
    esac
}

# Checks the running service of role $1 and says what to do where something is wrong.
check_service() {
    unit=$(unit_of "$1")
    listen=$(listen_of "$1")
    if ! systemctl is-active --quiet "$unit"; then
        explain_failure "$1"
        return 1
    fi
    await_answer "$listen"
    { read -r who && read -r version && read -r reason; } <"$WORK/answer" || true
    installed=$("$VENV/bin/python" -c 'from servicekit.version import __version__; print(__version__)')
    if [ "$who" = nobody ] && waits=$(systemctl show --property StatusText --value "$unit") && [ -n "$waits" ]; then
        say "$unit runs and does not answer at $listen yet: $waits" "$unit 正在运行，但 $listen 尚无应答：$waits"
        return 1
    elif [ "$who" != "$(service_of "$1")" ]; then
        say "$unit runs, but at $listen the answer comes from: $who. Look at $(listen_variable "$1") in $DEFAULTS/$unit" \
            "$unit 正在运行，但 $listen 上应答的是：$who。请检查 $DEFAULTS/$unit 中的 $(listen_variable "$1")"
        return 1
    elif [ "$version" != "$installed" ]; then
        say "$unit answers at $listen with version $version, installed is $installed: systemctl restart $unit" \
            "$unit 在 $listen 应答的版本为 $version，已安装 $installed：systemctl restart $unit"
        return 1
    elif [ -n "$reason" ]; then
        say "$unit runs and answers at $listen, but it is unhealthy: $reason." "$unit 在 $listen 有应答，但状态异常：$reason。"
    else
        say "$unit runs and answers at $listen." "$unit 运行正常，$listen 有应答。"
    fi
    case "$listen" in
    127.* | localhost:* | "[::1]:"*) ;; # no firewall is in the way there
    *) check_firewall "$unit" "$(port_of "$1")" ;;
    esac
}

# Leaves in $WORK/answer what answers at $1, once it is well or some seconds later: a service that has just started may
# not know yet.
await_answer() {
    for _ in 1 2 3 4 5; do
        who_answers "$1" >"$WORK/answer"
        [ -n "$(sed -n 3p "$WORK/answer")" ] || return 0
        sleep 1
    done
}

# Says why the service of role $1 does not run and what to do; puts its former options back when it ran with them.
explain_failure() {
    unit=$(unit_of "$1")
    say "$unit does not run. Its last words:" "$unit 未运行。最近的日志："
    journalctl --unit "$unit" --lines 10 --no-pager --output cat 2>/dev/null || true
    if [ "$(systemctl show --property ExecMainStatus --value "$unit")" = 243 ]; then
        files=$(sed -n 's/^LoadCredential=[^:]*://p' "$UNITS/$unit.service" "$UNITS/$unit.service.d"/*.conf 2>/dev/null |
            while read -r file; do [ -e "$file" ] || printf '%s ' "$file"; done)
        say "A file that it is given is missing: $files(named in $UNITS/$unit.service.d). Put it back, or remove its .conf there, then: systemctl daemon-reload && systemctl restart $unit" \
            "缺少服务所需的文件：$files（见 $UNITS/$unit.service.d）。请恢复该文件，或删除对应的 .conf，然后执行：systemctl daemon-reload && systemctl restart $unit"
    elif has_line "$1" "$WORK/ran" && restore_options "$unit"; then
        systemctl restart "$unit" || true
        say "$DEFAULTS/$unit is as before again, since $unit ran with it." "已恢复 $DEFAULTS/$unit 的原内容，因为 $unit 此前以其运行。"
    else
        say "systemd tries again every 5 seconds, unless an option is wrong. Correct $DEFAULTS/$unit, then: systemctl restart $unit" \
            "systemd 每 5 秒重试一次（选项错误时除外）。请修改 $DEFAULTS/$unit，然后执行：systemctl restart $unit"
    fi
}
