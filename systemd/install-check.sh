# shellcheck shell=sh
# What can be in the way, before and after; a part of install.sh.

# Prints what answers at $1, HOST:PORT to listen on: nobody, monitor, bridge, castray or other.
who_answers() {
    "$PYTHON" - "$1" <<'END'
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
service = health.get("service", "") if isinstance(health, dict) else ""
if service == "CM-ZSB监控":
    print("monitor")
elif service == "CastRay bridge":
    print("bridge")
else:
    reply = ask("/api/ray-dashboard")
    print("castray" if isinstance(reply, dict) and "data" in reply else "other")
END
}

# Ends the installation when the port of role $1 belongs to somebody else.
check_port_is_ours() {
    port=$(port_of "$1")
    who=$(who_answers "$(listen_of "$1")")
    case "$who" in nobody) return ;; esac
    if [ -z "$PREFIX" ] && systemctl is-active --quiet "$(unit_of "$1")"; then return; fi
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
    monitor/monitor | bridge/bridge)
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
        say "$unit does not run. Its last words:" "$unit 未运行。最近的日志："
        journalctl --unit "$unit" --lines 10 --no-pager --output cat 2>/dev/null || true
        say "Correct $DEFAULTS/$unit, then: systemctl restart $unit" "请修改 $DEFAULTS/$unit，然后执行：systemctl restart $unit"
        return 1
    fi
    who=$(who_answers "$listen")
    if [ "$who" != "$1" ]; then
        say "$unit runs, but at $listen the answer comes from: $who. Look at $(listen_variable "$1") in $DEFAULTS/$unit" \
            "$unit 正在运行，但 $listen 上应答的是：$who。请检查 $DEFAULTS/$unit 中的 $(listen_variable "$1")"
        return 1
    fi
    say "$unit runs and answers at $listen." "$unit 运行正常，$listen 有应答。"
    case "$listen" in
    127.* | localhost:* | "[::1]:"*) ;; # no firewall is in the way there
    *) check_firewall "$unit" "$(port_of "$1")" ;;
    esac
}

is_firewalld_up() { command -v firewall-cmd >/dev/null && firewall-cmd --state >/dev/null 2>&1; }

# Says how to open port $2 of service $1 where a firewall of this machine is up and closed.
check_firewall() {
    if is_firewalld_up; then
        firewall-cmd --quiet --query-service="$1" 2>/dev/null ||
            say "firewalld is up; open the port: firewall-cmd --reload && firewall-cmd --permanent --add-service=$1 && firewall-cmd --reload" \
                "firewalld 已启用；开放端口：firewall-cmd --reload && firewall-cmd --permanent --add-service=$1 && firewall-cmd --reload"
    fi
    if command -v ufw >/dev/null && ufw status 2>/dev/null | grep -q '^Status: active'; then
        ufw status | grep -Eq "^($1|$2(/tcp)?) +ALLOW" ||
            say "ufw is up; open the port: ufw allow $1" "ufw 已启用；开放端口：ufw allow $1"
    fi
}
