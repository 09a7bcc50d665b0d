# shellcheck shell=sh
# The package in its virtual environment; a part of install.sh.

PACKAGE_CHANGED=''

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# Sets PYTHON to the interpreter of the last time or the first that fits; one that a service under systemd can read, so
# not one in somebody's home.
find_python() {
    for candidate in ${PYTHON:-"$VENV/bin/python" /usr/bin/python3 python3 \
        /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 /usr/bin/python3.10}; do
        is_recent "$candidate" || continue
        PYTHON=$candidate
        home=$("$PYTHON" -c 'import sys, os; print(os.path.realpath(sys.executable))')
        case "$PREFIX$home" in /home/* | /root/*)
            fail "$PYTHON is in a home directory, which the services cannot read: give --python /usr/bin/python3" \
                "$PYTHON 位于用户主目录，服务无法读取：请指定 --python /usr/bin/python3" ;;
        esac
        return
    done
    fail "Python 3.10 or later is needed: apt install python3 python3-venv, or give --python" \
        "需要 Python 3.10 或更高版本：apt install python3 python3-venv，或用 --python 指定"
}

# Copies the sources to $1, because building there leaves files behind.
copy_sources() {
    mkdir "$1"
    (cd "$SOURCE" && tar -cf - --exclude='./.*' --exclude=./build --exclude=./dist --exclude='*.egg-info' \
        --exclude=__pycache__ --exclude=./tests --exclude=./docs .) | tar -xf - -C "$1"
}

# Prints what tells one version of the sources, or of the wheels, from another.
fingerprint() {
    if [ -n "$WHEELS" ]; then
        find "$WHEELS" -name '*.whl' -type f
    else
        find "$1" -type f
    fi | LC_ALL=C sort | while IFS= read -r file; do
        printf '%s %s\n' "$(cksum <"$file")" "$(basename "$file")"
    done | cksum
}

# Makes the virtual environment, anew if there was one; the notes of this script beside it stay.
make_environment() {
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$PYTHON cannot make virtual environments: apt install python3-venv" \
            "$PYTHON 无法创建虚拟环境：apt install python3-venv"
    mkdir -p "$VENV"
    (cd "$VENV" && rm -rf bin include lib lib64 share pyvenv.cfg)
    "$PYTHON" -m venv "$VENV"
}

put_package() {
    what=cmzsb-monitor
    if [ -n "$WHEELS" ]; then
        [ -n "$(find "$WHEELS" -maxdepth 1 -name 'cmzsb_monitor-*.whl' 2>/dev/null)" ] ||
            fail "no cmzsb_monitor-*.whl in $WHEELS: pip wheel -w $WHEELS CHECKOUT" \
                "$WHEELS 中没有 cmzsb_monitor-*.whl：pip wheel -w $WHEELS 源码目录"
        WHEELS=$(CDPATH='' cd -- "$WHEELS" && pwd)
        found=$(fingerprint)
    else
        copy_sources "$WORK/source"
        what=$WORK/source
        found=$(fingerprint "$what")
    fi
    if [ "$found" = "$(cat "$VENV/package.cksum" 2>/dev/null)" ] && "$VENV/bin/cmzsb-exporter" --version >/dev/null 2>&1; then
        return
    fi
    # A new interpreter of the system leaves a virtual environment without one.
    "$VENV/bin/python" -c '' 2>/dev/null || make_environment
    set -- "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile
    [ -z "$WHEELS" ] || set -- "$@" --no-index --find-links "$WHEELS"
    { "$@" --upgrade "$what" && "$@" --force-reinstall --no-deps "$what"; } ||
        fail "pip could not install the package; without a network: pip wheel -w DIR CHECKOUT elsewhere, then --wheels DIR" \
            "pip 安装失败；若无网络，请在其他机器执行 pip wheel -w 目录 源码目录，再使用 --wheels 目录"
    "$VENV/bin/python" -m compileall -q -o 0 -o 2 "$VENV/lib" || true # a service may not write there
    printf '%s\n' "$found" >"$VENV/package.cksum"
    # shellcheck disable=SC2034 # install.sh reads it
    PACKAGE_CHANGED=yes
    CHANGED="$CHANGED $VENV"
    echo "  $VENV"
}
