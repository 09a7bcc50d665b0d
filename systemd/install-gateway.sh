# shellcheck shell=sh
# nginx on CastRay's port, before the bridge and CastRay; a part of install.sh.

GATEWAY_PORT=28823

gateway_file() { echo "$PREFIX/etc/nginx/conf.d/castray-gateway.conf"; }
is_gateway_installed() { [ -e "$(gateway_file)" ]; }

# The port of CastRay: as asked for, else as before, else that of the configuration here.
castray_port() {
    asked=$(given --castray-port)
    for file in "$(gateway_file)" "$HERE/nginx/castray-gateway.conf"; do
        [ ! -f "$file" ] || [ -n "$asked" ] || asked=$(sed -n '/location \/ {/,/}/s/.*127\.0\.0\.1:\([0-9]*\);.*/\1/p' "$file")
    done
    echo "$asked"
}

# The bridge belongs to the gateway, and asks CastRay at its own port: at the gateway's it would ask itself. A bridge that
# changes its port takes the gateway with it.
choose_gateway() {
    case " $ROLES " in *" bridge "*) ! is_gateway_installed || GATEWAY=yes ;; esac
    [ "$GATEWAY" = yes ] || return 0
    case " $ROLES " in *" bridge "*) ;; *) ROLES="$ROLES bridge" ;; esac
    castray=$(castray_port)
    [ "$castray" != "$GATEWAY_PORT" ] ||
        fail "--castray-port $castray is the gateway's own: CastRay needs another" "--castray-port $castray 是网关自身的端口：CastRay 须用另一端口"
    [ -n "$PREFIX" ] || command -v nginx >/dev/null ||
        fail "the gateway needs nginx: apt-get install nginx-light" "网关需要 nginx：apt-get install nginx-light"
    GIVEN="$GIVEN--castray http://127.0.0.1:$castray
"
}

# Where nginx reaches the bridge: at loopback when that listens on all addresses.
bridge_upstream() { listen_of bridge | sed 's/^0\.0\.0\.0:/127.0.0.1:/; s/^\[::\]:/127.0.0.1:/'; }

# Puts the configuration in, or leaves the former one there when nginx refuses it.
put_gateway() {
    [ "$GATEWAY" = yes ] || return 0
    file=$(gateway_file)
    [ ! -f "$file" ] || cp "$file" "$WORK/gateway.former"
    sed "s/127\.0\.0\.1:8001/$(bridge_upstream)/; s/127\.0\.0\.1:28824/127.0.0.1:$(castray_port)/" \
        "$HERE/nginx/castray-gateway.conf" >"$WORK/made"
    put "$file" <"$WORK/made"
    if [ -n "$PREFIX" ] || nginx -t 2>"$WORK/refusal"; then return; fi
    if [ -f "$WORK/gateway.former" ]; then cp "$WORK/gateway.former" "$file"; else rm -f "$file"; fi
    fail "nginx refuses the gateway, which is as it was: $(cat "$WORK/refusal")" "nginx 拒绝网关配置，已恢复原状：$(cat "$WORK/refusal")"
}

# Lets nginx read the configuration, and tells what to change in CastRay's start command until CastRay is at its new port.
start_gateway() {
    [ "$GATEWAY" = yes ] || return 0
    castray=$(castray_port)
    if [ "$(who_answers "127.0.0.1:$castray" | head -n 1)" != nobody ]; then
        systemctl reload-or-restart nginx
        say "The gateway listens on port $GATEWAY_PORT; CastRay is behind it on $castray, the wall at /wall/." \
            "网关监听端口 $GATEWAY_PORT；其后的 CastRay 使用端口 $castray，状态墙位于 /wall/。"
    else
        tell_castray_port "$castray"
    fi
}

tell_castray_port() {
    say "Now move CastRay: in its start command, --host 127.0.0.1 --port $1 instead of port $GATEWAY_PORT; then: systemctl reload-or-restart nginx" \
        "现在请移动 CastRay：在其启动命令中用 --host 127.0.0.1 --port $1 代替端口 $GATEWAY_PORT；然后执行：systemctl reload-or-restart nginx"
}

remove_gateway() {
    is_gateway_installed || return 0
    castray=$(castray_port)
    rm -f "$(gateway_file)"
    if [ -z "$PREFIX" ] && systemctl is-active --quiet nginx; then systemctl reload nginx; fi
    say "The gateway is taken off; let CastRay listen on port $GATEWAY_PORT again" "网关已移除；请让 CastRay 重新监听端口 $GATEWAY_PORT"
    case " $ROLES " in *" bridge "*) ;; *) let_bridge_follow "$castray" ;; esac
}

# Lets a bridge that stays ask CastRay at the port where that listens again, unless its option file names another than
# the gateway's, $1.
let_bridge_follow() {
    unit=$(unit_of bridge)
    [ "$(option "$DEFAULTS/$unit" CASTRAY_BRIDGE_CASTRAY)" = "http://127.0.0.1:$1" ] || return 0
    cp "$DEFAULTS/$unit" "$WORK/$unit.env"
    set_option "$WORK/$unit.env" CASTRAY_BRIDGE_CASTRAY "http://127.0.0.1:$GATEWAY_PORT"
    put_options bridge
    [ -n "$PREFIX" ] || systemctl try-restart "$unit"
}
