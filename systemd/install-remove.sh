# shellcheck shell=sh
# Taking it all off again; a part of install.sh.

uninstall_all() {
    for role in $ROLES; do
        unit=$(unit_of "$role")
        if [ -z "$PREFIX" ]; then
            systemctl disable --now --quiet "$unit" 2>/dev/null || true
            close_port "$unit" # before its profile goes, by which the firewalls know it
        fi
        rm -f "$UNITS/$unit.service" "$PREFIX/etc/firewalld/services/$unit.xml" "$PREFIX/etc/ufw/applications.d/$unit"
        rm -rf "${UNITS:?}/$unit.service.d"
        take_options_off "$unit"
        if [ "$PURGE" = yes ]; then
            rm -rf "${STATE:?}/private/$unit" "${STATE:?}/$unit"
        elif [ -e "$STATE/$unit" ]; then
            say "The journal stays: $STATE/$unit (--purge removes it)" "历史数据保留：$STATE/$unit（--purge 可删除）"
        fi
    done
    if [ ! -e "$UNITS/cm-zsb-monitor.service" ] && [ ! -e "$UNITS/castray-bridge.service" ]; then rm -rf "${VENV:?}"; fi
    remove_empty_folders
    [ -n "$PREFIX" ] || forget_units
    say "Taken off: $ROLES" "已卸载：$ROLES"
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

# Takes back what check_firewall advised for service $1.
close_port() {
    if is_firewalld_up; then
        for zone in $(firewall-cmd --permanent --get-zones); do
            firewall-cmd --permanent --quiet --zone="$zone" --query-service="$1" 2>/dev/null || continue
            firewall-cmd --permanent --quiet --zone="$zone" --remove-service="$1"
        done
    fi
    if command -v ufw >/dev/null && ufw show added 2>/dev/null | grep -q "^ufw allow $1\$"; then
        ufw delete allow "$1" >/dev/null
    fi
}

# Folders that nobody else has anything in: below a prefix all, else those of a firewall that is not installed.
remove_empty_folders() {
    folders=''
    if [ -n "$PREFIX" ]; then folders='opt etc/systemd/system etc/default var/lib/private var/lib'; fi
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
