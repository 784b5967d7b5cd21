# The set-up that ./citelog and ./run-tests share; sourced by them, never run.
#
# `prepare run` or `prepare test` returns when $root/.venv holds this project (and the test tools), and costs two cmp
# when it already does. What makes it safe:
# - What is installed is what engine/locked/run.txt or test.txt names, each file by its hash, whatever an index offers.
# - A stamp (.venv/citelog-run or citelog-test: this folder's path, then pyproject.toml) is written after everything
#   else and removed before anything changes, so a set-up that failed or was killed is never taken for a good one.
#   Beside it stands a copy of what was locked.
# - One set-up at a time: fd 9 holds a kernel lock on .venv.lock. Python takes it, because sh cannot; it belongs to the
#   open file, so it outlives that Python, and the kernel releases it however we end.
# - A .venv that these commands did not make is used, and never deleted. One that is a link out of this folder is
#   somebody else's: it is used if it runs this folder's citelog, and nothing is ever written to it.

say() { printf 'citelog: %s\n' "$*" >&2; }

up_to_date() { # run|test
    [ -x "$root/.venv/bin/python" ] && [ -f "$root/.venv/citelog-$1" ] && {
        IFS= read -r made_for && [ "$made_for" = "$root" ] && cmp -s - "$root/pyproject.toml"
    } <"$root/.venv/citelog-$1" && cmp -s "$root/.venv/citelog-$1.txt" "$root/engine/locked/$1.txt"
}

prepare() { # run|test
    up_to_date "$1" || { elsewhere && usable "$1"; } || { ! elsewhere && (set_up "$1"); } || exit 3
}

elsewhere() { # whether .venv is a link out of this folder; sets $target, empty for a link to nothing
    [ -L "$root/.venv" ] || return
    target=$(CDPATH='' cd -P -- "$root/.venv" 2>/dev/null && pwd) || target=
    case $target/ in "$root"/*) return 1 ;; esac
}

usable() { # run|test
    lacks=
    [ "$1" = run ] || [ -x "$root/.venv/bin/pytest" ] || lacks='there is no pytest in it'
    probe='import importlib.util, os, sys
found = importlib.util.find_spec("citelog")
sys.exit(not (found and os.path.realpath(found.origin).startswith(os.path.join(sys.argv[1], "engine", ""))))'
    { [ -x "$root/.venv/bin/citelog" ] && "$root/.venv/bin/python" -I -c "$probe" "$root" 2>/dev/null; } ||
        lacks="the citelog in it is not this folder's"
    [ -n "$target" ] || lacks='there is nothing there'
    [ -z "$lacks" ] || {
        say "cannot use .venv: it is a link to ${target:-$(readlink "$root/.venv")}, and $lacks.
   Nothing is installed through a link out of this folder: what is there is somebody else's.
   = remove the link (rm '$root/.venv'), and the next run sets up a .venv here"
        return 1
    }
}

set_up() { # run|test
    find_python || return
    [ -w "$root" ] || { say "cannot set up: $root is not writable"; return 1; }
    exec 9>>"$root/.venv.lock"
    lock='import fcntl, sys; fcntl.flock(9, fcntl.LOCK_EX | (fcntl.LOCK_NB if sys.argv[1] == "now" else 0))'
    "$python" -I -c "$lock" now 2>/dev/null || {
        say "waiting for another run that is setting up .venv ..."
        "$python" -I -c "$lock" wait || return
    }
    up_to_date "$1" || install_into_venv "$1"
}

install_into_venv() { # run|test
    venv=$root/.venv log=$root/.venv/citelog-install.log
    if [ -e "$venv/made-by-citelog" ] && ! { [ -x "$venv/bin/python" ] && [ -f "$venv/citelog-run" ]; }; then
        rm -rf "$venv"
    fi
    rm -f "$venv/citelog-run" "$venv/citelog-test"
    say "setting up .venv with $python (once; a minute or two) ..."
    if [ ! -e "$venv" ]; then
        mkdir "$venv" && : >"$venv/made-by-citelog" || return
        "$python" -I -m venv "$venv" >"$log" 2>&1 || { explain_failure; return 1; }
    fi
    (
        cd "$root" || exit
        pip() { .venv/bin/python -I -m pip --disable-pip-version-check --no-input "$@"; }
        pip install --require-hashes --requirement "engine/locked/$1.txt" &&
            pip install --no-deps --no-build-isolation --editable .
    ) >"$log" 2>&1 || { explain_failure; return 1; }
    for stamp in run "$1"; do
        cp "$root/engine/locked/$stamp.txt" "$venv/citelog-$stamp.txt" || return
        { printf '%s\n' "$root" && cat "$root/pyproject.toml"; } >"$venv/citelog-new" &&
            mv "$venv/citelog-new" "$venv/citelog-$stamp" || return
    done
    say "set up"
}

explain_failure() {
    tail -n 15 "$log" | sed 's/^/   | /' >&2
    say "the set-up failed (all of it: $log); the next run starts it afresh. It needs the Python package index, or a copy of it that pip is told of."
}

find_python() { # sets $python
    set -- python3.11 python3.12 python3.13 python3
    [ -z "${CITELOG_PYTHON:-}" ] || set -- "$CITELOG_PYTHON"
    # The real path, so that a replaced Python leaves a dangling link in .venv, which up_to_date sees.
    probe='
import os, sys
if sys.version_info < (3, 11):
    sys.exit("is Python %d.%d" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("has no venv (on Debian and Ubuntu: apt install python%d.%d-venv)" % sys.version_info[:2])
print(os.path.realpath(sys.executable))'
    found=
    for candidate; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        python=$("$candidate" -I -c "$probe" 2>&1) && return
        found="$found
   $candidate: ${python%%
*}"
    done
    say "cannot set up: it needs Python 3.11 or later with venv, and finds none.${found:-
   none of these is on the PATH: $*}
   = install one, or name one: CITELOG_PYTHON=/path/to/python3.11 $0"
    return 1
}
