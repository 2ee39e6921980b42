#!/usr/bin/env bash
# Install from a wheelhouse alone, without a network, into a new environment, and try it.
#     scripts/try_wheelhouse.sh wheelhouse
set -euo pipefail

house=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
offline=()
if unshare -rn true 2>/dev/null; then
    offline=(unshare -rn)
fi
# Nothing of this machine's own settings may help.
for name in $(compgen -e PIP_ || true); do
    unset "$name"
done
export PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="$house" GLOSSATOR_CACHE="$scratch/cache"

"${PYTHON:-python3}" -m venv "$scratch/venv"
${offline[@]+"${offline[@]}"} "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check glossator
${offline[@]+"${offline[@]}"} "$scratch/venv/bin/glossator" --help >"$scratch/help.txt"
${offline[@]+"${offline[@]}"} "$scratch/venv/bin/glossator" starter add minilm --from "$house"
${offline[@]+"${offline[@]}"} "$scratch/venv/bin/glossator" starter add multilingual
echo "the wheelhouse serves: $(find "$house" -name '*.whl' | wc -l) wheels, $(du -sh "$house" | cut -f1)"
