# shellcheck shell=sh
# What can be installed, and the options that go into the services' option files; a part of install.sh.

# One row a role: its unit, Python package, address to listen on, extra of the distribution ("-": none), oldest Python,
# and name in /api/health. The unit file and the option file stand beside this script.
ROLE_TABLE='
monitor  cm-zsb-monitor  exporter        CMZSB_LISTEN           0.0.0.0:8000    -       3.9   CM-ZSB监控
bridge   castray-bridge  castray_bridge  CASTRAY_BRIDGE_LISTEN  0.0.0.0:8001    bridge  3.10  CastRay bridge
notify   cmzsb-notify    notify          CMZSB_NOTIFY_LISTEN    127.0.0.1:5001  notify  3.10  cmzsb-notify
'

# One row for what an option of install.sh sets: the role, what kind of value it is, and the variable. A port changes that
# of the variable and leaves the host; a secret is a file that systemd hands to the service.
OPTION_TABLE='
--node-name          monitor  name    CMZSB_NODE_NAME
--port               monitor  port    CMZSB_LISTEN
--port               bridge   value   CASTRAY_BRIDGE_MONITOR_PORT
--token-file         monitor  secret  CMZSB_TOKEN_FILE
--alertmanager-url   monitor  value   CMZSB_ALERTMANAGER_URL
--alertmanager-url   bridge   value   CASTRAY_BRIDGE_ALERTMANAGER_URL
--bridge-port        bridge   port    CASTRAY_BRIDGE_LISTEN
--ray-dashboard      bridge   value   CASTRAY_BRIDGE_RAY_DASHBOARD
--castray            bridge   value   CASTRAY_BRIDGE_CASTRAY
--castray-port       gateway  port    -
--bridge-token-file  bridge   secret  CASTRAY_BRIDGE_TOKEN_FILE
--ray-token-file     bridge   secret  CASTRAY_BRIDGE_RAY_TOKEN_FILE
--notify-port        notify   port    CMZSB_NOTIFY_LISTEN
--notify-token-file  notify   secret  CMZSB_NOTIFY_TOKEN_FILE
'

# Prints column $2 of role $1; the last column may hold blanks.
role_field() {
    echo "$ROLE_TABLE" | awk -v role="$1" -v column="$2" '
        $1 == role {
            for (i = 1; column == 8 && i < 8; i++) sub(/^[^ ]+ +/, "")
            print column == 8 ? $0 : $column
        }'
}
all_roles() { echo "$ROLE_TABLE" | awk 'NF { print $1 }'; }
unit_of() { role_field "$1" 2; }
package_of() { role_field "$1" 3; }
listen_variable() { role_field "$1" 4; }
service_of() { role_field "$1" 8; }
is_role() { [ -n "$(role_field "$1" 2)" ]; }
is_installed() { [ -e "$UNITS/$(unit_of "$1").service" ]; }
installed_roles() { for each in $(all_roles); do ! is_installed "$each" || echo "$each"; done; }

# Prints the roles that this run names and those that are installed, each once.
concerned_roles() {
    for each in $(all_roles); do
        case " $ROLES " in *" $each "*) echo "$each" && continue ;; esac
        ! is_installed "$each" || echo "$each"
    done
}

is_option() { echo "$OPTION_TABLE" | awk -v flag="$1" '$1 == flag { found = 1 } END { exit !found }'; }
# Prints "FLAG VARIABLE" for every option of kind $2 of role $1.
options_of() { echo "$OPTION_TABLE" | awk -v role="$1" -v kind="$2" '$2 == role && $3 == kind { print $1, $4 }'; }
# Prints the flags of kind $1.
flags_of_kind() { echo "$OPTION_TABLE" | awk -v kind="$1" '$3 == kind { print $1 }'; }

# Prints the value that option $1 was given, the last one counts.
given() { printf '%s' "$GIVEN" | awk -v flag="$1" '$1 == flag { value = substr($0, length(flag) + 2) } END { print value }'; }

# Prints the value of variable $2 in option file $1.
option() { [ ! -f "$1" ] || sed -n "s/^$2=//p" "$1" | tail -n 1 | tr -d "\"'"; }

# What role $1 listens on, HOST:PORT: as set before, else the default.
listen_before() {
    set_before=$(option "$DEFAULTS/$(unit_of "$1")" "$(listen_variable "$1")")
    echo "${set_before:-$(role_field "$1" 5)}"
}

# The same with the port that is asked for now.
listen_of() {
    before=$(listen_before "$1")
    asked=$(given "$(options_of "$1" port | cut -d' ' -f1)")
    echo "${before%:*}:${asked:-${before##*:}}"
}

port_of() { listen_of "$1" | sed 's/.*://'; }
