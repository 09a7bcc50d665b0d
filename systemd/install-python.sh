# shellcheck shell=sh
# The package in its virtual environment; a part of install.sh.

# Prints the oldest Python that the services of this run and those that are installed can do with.
oldest_python() {
    for role in $(concerned_roles); do role_field "$role" 7; done | sort -t. -k1,1n -k2,2n | tail -n 1
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < tuple(map(int, sys.argv[1].split("."))))' "$2" 2>/dev/null
}

# Sets PYTHON to the interpreter of the last time or the first that fits; one that a service under systemd can read, so
# not one in a home directory.
find_python() {
    oldest=$(oldest_python)
    found=''
    for candidate in ${PYTHON:-"$VENV/bin/python" /usr/bin/python3 python3 /usr/bin/python3.13 /usr/bin/python3.12 \
        /usr/bin/python3.11 /usr/bin/python3.10 /usr/bin/python3.9 /usr/local/bin/python3}; do
        if ! is_recent "$candidate" "$oldest"; then
            version=$("$candidate" --version 2>&1) && found="$found, $candidate ($version)"
            continue
        fi
        PYTHON=$candidate
        home=$("$PYTHON" -c 'import sys, os; print(os.path.realpath(sys.executable))')
        case "$PREFIX$home" in /home/* | /root/*)
            fail "$PYTHON is in a home directory, which the services cannot read: give --python /usr/bin/python3" \
                "$PYTHON 位于用户主目录，服务无法读取：请指定 --python /usr/bin/python3" ;;
        esac
        return
    done
    found=${found#, }
    fail "Python $oldest or later is needed, found: ${found:-none}. Leave the system's as it is and add another one:
  apt install python3.9 python3.9-venv     then: --python /usr/bin/python3.9   (Ubuntu 20.04, JetPack 5; the monitor only)
  UV_PYTHON_INSTALL_DIR=/opt/python uv python install 3.11   then: --python /opt/python/cpython-3.11.*/bin/python3.11" \
        "需要 Python $oldest 或更高版本，找到：${found:-无}。请保留系统自带的 Python，另外安装一个：
  apt install python3.9 python3.9-venv     然后使用 --python /usr/bin/python3.9（Ubuntu 20.04、JetPack 5；仅限监控服务）
  UV_PYTHON_INSTALL_DIR=/opt/python uv python install 3.11   然后使用 --python /opt/python/cpython-3.11.*/bin/python3.11"
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
    base=$("$PYTHON" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
    (cd "$VENV" && rm -rf bin include lib lib64 share pycache pyvenv.cfg)
    "$base" -m venv "$VENV"
}

# Whether the virtual environment works, and with the Python that this run is to use.
is_environment_right() {
    "$VENV/bin/python" -c '' 2>/dev/null || return 1 # a new Python of the system leaves an environment without one
    [ "$("$VENV/bin/python" -c "$BASE_AND_VERSION")" = "$("$PYTHON" -c "$BASE_AND_VERSION")" ]
}
BASE_AND_VERSION='import os, sys; print(os.path.realpath(sys.base_prefix), sys.version_info[:2])'

# Prints the extras of the distribution that the services of this run and those that are installed need: "[bridge]".
extras() {
    list=$(for role in $(concerned_roles); do role_field "$role" 6; done | grep -vx -- - | paste -sd , -)
    echo "${list:+[$list]}"
}

put_package() {
    package=cmzsb-monitor
    if [ -n "$WHEELS" ]; then
        [ -n "$(find "$WHEELS" -maxdepth 1 -name 'cmzsb_monitor-*.whl' 2>/dev/null)" ] ||
            fail "no cmzsb_monitor-*.whl in $WHEELS: pip wheel -w $WHEELS CHECKOUT" \
                "$WHEELS 中没有 cmzsb_monitor-*.whl：pip wheel -w $WHEELS 源码目录"
        WHEELS=$(CDPATH='' cd -- "$WHEELS" && pwd)
        wanted=$(fingerprint)
    else
        copy_sources "$WORK/source"
        package=$WORK/source
        wanted=$(fingerprint "$package")
    fi
    wanted="$wanted$(extras)"
    is_environment_right || make_environment
    if [ "$wanted" = "$(cat "$VENV/package.cksum" 2>/dev/null)" ] && "$VENV/bin/cmzsb-exporter" --version >/dev/null 2>&1; then
        return
    fi
    say "Installing the package; pip may take some minutes on a board." "正在安装软件包；在板卡上 pip 可能需要几分钟。"
    set -- "$VENV/bin/python" -m pip install --disable-pip-version-check --no-compile --progress-bar off
    [ -z "$WHEELS" ] || set -- "$@" --no-index --find-links "$WHEELS"
    { "$@" --upgrade "$package$(extras)" && "$@" --quiet --force-reinstall --no-deps "$package"; } ||
        fail "pip could not install the package; without a network see docs/operations.md: wheels from elsewhere, then --wheels DIR" \
            "pip 安装失败；若无网络，请参阅 docs/operations.zh-CN.md：在其他机器准备 wheel，再使用 --wheels 目录"
    compile_modules || true # without it a service starts more slowly
    printf '%s\n' "$wanted" >"$VENV/package.cksum"
    CHANGED="$CHANGED $VENV"
    echo "  $VENV"
}

# Compiles the modules, because a service may not write where they are: all of the environment, and for the monitor, which
# runs without docstrings, also those of Python itself that it imports.
compile_modules() {
    "$VENV/bin/python" -m compileall -q "$VENV/lib"
    rm -rf "$VENV/pycache"
    (
        export PYTHONOPTIMIZE=2 PYTHONPYCACHEPREFIX="$VENV/pycache"
        "$VENV/bin/python" -m compileall -q "$VENV/lib/"*/site-packages/exporter
        "$VENV/bin/cmzsb-exporter" --version >/dev/null
    )
}
