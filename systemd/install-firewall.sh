# shellcheck shell=sh
# The firewalls of the machine; a part of install.sh.

PROFILES_CHANGED=''

is_firewalld_up() { command -v firewall-cmd >/dev/null && firewall-cmd --state >/dev/null 2>&1; }
is_ufw_up() { command -v ufw >/dev/null && ufw status 2>/dev/null | grep -q '^Status: active'; }

# Puts the profiles by which the firewalls know service $1 with port $2, where this project has them. Where the firewall
# is not installed (yet) they do no harm.
put_firewall_profiles() {
    [ -f "$HERE/ufw/$1" ] || return 0
    before=$CHANGED
    sed "s/port=\"[0-9]*\"/port=\"$2\"/" "$HERE/firewalld/$1.xml" >"$WORK/made"
    put "$PREFIX/etc/firewalld/services/$1.xml" <"$WORK/made"
    sed "s#^ports=.*#ports=$2/tcp#" "$HERE/ufw/$1" >"$WORK/made"
    put "$PREFIX/etc/ufw/applications.d/$1" <"$WORK/made"
    [ "$CHANGED" = "$before" ] || PROFILES_CHANGED="$PROFILES_CHANGED $1"
}

# Lets the firewalls that are up read the changed profiles, so that a rule for a service follows its port.
update_firewalls() {
    [ -n "$PROFILES_CHANGED" ] || return 0
    if is_firewalld_up; then firewall-cmd --reload --quiet; fi
    if is_ufw_up; then
        for unit in $PROFILES_CHANGED; do ufw app update "$unit" >/dev/null || true; done
    fi
}

# Says how to open port $2 of service $1 where a firewall of this machine is up and closed.
check_firewall() {
    if is_firewalld_up; then
        firewall-cmd --quiet --query-service="$1" 2>/dev/null ||
            say "firewalld is up; open the port: firewall-cmd --permanent --add-service=$1 && firewall-cmd --reload" \
                "firewalld 已启用；开放端口：firewall-cmd --permanent --add-service=$1 && firewall-cmd --reload"
    fi
    if is_ufw_up; then
        ufw status | grep -Eq "^($1|$2(/tcp)?) +ALLOW" ||
            say "ufw is up; open the port: ufw allow $1" "ufw 已启用；开放端口：ufw allow $1"
    fi
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
