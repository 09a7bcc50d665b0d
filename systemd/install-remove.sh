# shellcheck shell=sh
# Taking it all off again; a part of install.sh.

uninstall_all() {
    [ "$GATEWAY" = no ] || remove_gateway
    for role in $ROLES; do
        unit=$(unit_of "$role")
        if [ -z "$PREFIX" ]; then
            systemctl disable --now --quiet "$unit" 2>/dev/null || true
            close_port "$unit" # before its profile goes, by which the firewalls know it
        fi
        rm -f "$UNITS/$unit.service" "$PREFIX/etc/firewalld/services/$unit.xml" "$PREFIX/etc/ufw/applications.d/$unit"
        rm -f "$VENV/$unit.runs"
        take_options_off "$unit"
        take_overrides_off "$unit"
        if [ "$PURGE" = yes ]; then
            rm -rf "${STATE:?}/private/$unit" "${STATE:?}/$unit"
        elif [ -e "$STATE/$unit" ]; then
            say "What $unit kept stays: $STATE/$unit (--purge removes it)" \
                "$unit 的数据保留：$STATE/$unit（--purge 可删除）"
        fi
    done
    [ -n "$(installed_roles)" ] || rm -rf "${VENV:?}"
    remove_empty_folders
    [ -n "$PREFIX" ] || forget_units
    [ -z "$ROLES" ] || say "Taken off: ${ROLES# }" "已卸载：${ROLES# }"
}

take_options_off() {
    file=$DEFAULTS/$1
    [ -f "$file" ] || return 0
    if [ "$PURGE" = yes ] || is_as_written "$file"; then
        rm -f "$file"
    else
        say "Edited by hand, so it stays: $file (--purge removes it)" "已手动修改，保留：$file（--purge 可删除）"
    fi
    rm -f "$VENV/$1.cksum"
}

# Tokens, and what was written with `systemctl edit`: without them the next installation would be open to all.
take_overrides_off() {
    folder=$UNITS/$1.service.d
    [ -d "$folder" ] || return 0
    if [ "$PURGE" = yes ]; then
        rm -rf "${folder:?}"
    else
        say "Tokens and overrides stay: $folder (--purge removes them)" "令牌与覆盖设置保留：$folder（--purge 可删除）"
    fi
}

# Folders with nothing in them: below a prefix all, else those of a firewall that is not installed.
remove_empty_folders() {
    folders=''
    if [ -n "$PREFIX" ]; then folders='opt etc/systemd/system etc/default etc/nginx/conf.d var/lib/private var/lib'; fi
    if [ -n "$PREFIX" ] || ! command -v firewall-cmd >/dev/null; then folders="$folders etc/firewalld/services"; fi
    if [ -n "$PREFIX" ] || ! command -v ufw >/dev/null; then folders="$folders etc/ufw/applications.d"; fi
    for folder in $folders; do
        (cd "$PREFIX/" 2>/dev/null && [ -d "$folder" ] && rmdir -p --ignore-fail-on-non-empty "$folder") || true
    done
}

# Lets systemd and firewalld forget what their files no longer say.
forget_units() {
    systemctl daemon-reload
    for role in $ROLES; do systemctl reset-failed "$(unit_of "$role")" 2>/dev/null || true; done
    if is_firewalld_up; then firewall-cmd --reload --quiet; fi
}
