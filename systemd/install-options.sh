# shellcheck shell=sh
# The services' option files and secrets; a part of install.sh.

# Makes the option file of role $1 in $WORK from the present one; ends the installation when the service would refuse it.
make_options() {
    unit=$(unit_of "$1")
    made=$WORK/$unit.env
    if [ -f "$DEFAULTS/$unit" ]; then
        cp "$DEFAULTS/$unit" "$made"
        cp "$DEFAULTS/$unit" "$WORK/$unit.former"
    else
        cp "$HERE/$unit.env" "$made"
    fi
    for kind in name value port; do
        options_of "$1" "$kind" >"$WORK/rows"
        while read -r flag variable; do
            value=$(given "$flag")
            if [ "$kind" = port ] && [ -n "$value" ]; then value=$(listen_of "$1"); fi
            set_option "$made" "$variable" "$value"
        done <"$WORK/rows"
    done
    check_values "$1" "$made"
}

# Sets variable $2 to $3 in file $1 and leaves every other line alone; an empty value sets nothing.
set_option() {
    [ -n "$3" ] || return 0
    awk -v key="$2" -v line="$2=$3" '
        $0 ~ "^#?" key "=" { if (!done) print line; done = 1; next }
        { print }
        END { if (!done) print line }' "$1" >"$WORK/options"
    cp "$WORK/options" "$1"
}

# Lets the service of role $1 itself read its options from $2, before a running one is restarted with them.
check_values() {
    file=$DEFAULTS/$(unit_of "$1")
    if ! ask_about_options check "$1" "$2" >"$WORK/findings" 2>"$WORK/refusal"; then
        fail "$(cat "$WORK/refusal"); $file is as it was" "$(cat "$WORK/refusal")；$file 未改动"
    fi
    [ ! -s "$WORK/findings" ] ||
        say "$file, ignored: $(cat "$WORK/findings")" "$file 中以下变量无效：$(cat "$WORK/findings")"
}

ask_about_options() {
    question=$1 role=$2
    shift 2
    (cd / && "$VENV/bin/python" -m servicekit.option_file "$question" "$(package_of "$role")" "$@")
}

# Whether the running service of role $1 has the options of its file.
are_options_applied() {
    unit=$(unit_of "$1")
    pid=$(systemctl show --property MainPID --value "$unit")
    [ "${pid:-0}" != 0 ] || return 0
    # shellcheck disable=SC2046 # one word a variable
    ask_about_options applied "$1" "$DEFAULTS/$unit" "$pid" \
        $(systemctl show --property Environment --value "$unit") >/dev/null
}

put_options() {
    unit=$(unit_of "$1")
    file=$DEFAULTS/$unit
    was_ours=yes
    [ ! -f "$file" ] || is_as_written "$file" || was_ours=no
    put "$file" <"$WORK/$unit.env"
    [ "$was_ours" = no ] || cksum <"$file" >"$VENV/$unit.cksum"
}

# Whether option file $1 is as this script wrote it last.
is_as_written() { [ "$(cksum <"$1")" = "$(cat "$VENV/$(basename "$1").cksum" 2>/dev/null)" ]; }

# Puts the former option file of unit $1 back; false when there is none, or nothing was changed in it.
restore_options() {
    [ -f "$WORK/$1.former" ] && ! cmp -s "$WORK/$1.former" "$DEFAULTS/$1" || return 1
    cp "$WORK/$1.former" "$DEFAULTS/$1"
    [ ! -f "$VENV/$1.cksum" ] || cksum <"$DEFAULTS/$1" >"$VENV/$1.cksum"
}

# Lets the service of role $1 have its secret files. They may be root's alone: the service's user, who exists only while it
# runs, gets a copy from systemd. Its path is spelt out because systemd before 250 has no %d and would start the service
# without a token.
put_secrets() {
    unit=$(unit_of "$1")
    options_of "$1" secret >"$WORK/rows"
    while read -r flag variable; do
        file=$(given "$flag")
        [ -n "$file" ] || continue
        credential=$(echo "$variable" | tr 'A-Z_' 'a-z-')
        cat >"$WORK/made" <<END_OF_DROP_IN
[Service]
LoadCredential=$credential:$file
Environment=$variable=/run/credentials/$unit.service/$credential
END_OF_DROP_IN
        put "$UNITS/$unit.service.d/$credential.conf" <"$WORK/made"
    done <"$WORK/rows"
}

# Warns when this node has the name that boards of one image have in common.
warn_default_name() {
    name=$(option "$DEFAULTS/cm-zsb-monitor" CMZSB_NODE_NAME)
    name=${name:-$(uname -n)}
    case "${name%%.*}" in
    ubuntu | nvidia | nvidia-desktop | tegra-ubuntu | jetson | jetson-desktop | localhost | debian | raspberrypi | \
        orangepi | rock | armbian | linux | buildroot)
        say "This node is called '$name', as every board of its image: give it a name of its own with --node-name" \
            "本节点名为 $name，与同一镜像的其他板卡相同：请用 --node-name 指定唯一的名称" ;;
    esac
}
