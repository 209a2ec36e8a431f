#!/bin/sh
# What a gateway on one processor does with thousands of clients on another: 9,500 idle ones with DTLS, 5,000 that log in at once, and 5,000 that lose
# UDP at once and get it back. Not part of the tests: it takes about ten minutes, two processors and 20,000 file descriptors.
#
#   test/soak/scale.sh [idle clients] [clients of the blackout and of the storm]
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/node_modules/.bin:$PATH"
idle=${1:-9500}
many=${2:-5000}
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
needed=$((idle * 2 + 500))
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$needed" ]; then
  echo "$idle clients need $needed file descriptors, and this process may have $(ulimit -n): name fewer clients, or raise the hard limit (ulimit -Hn)." >&2
  exit 2
fi
pin0= pin1=
if command -v taskset >/dev/null; then pin0='taskset -c 0' pin1='taskset -c 1'; fi
folder=$(mktemp -d)
gateway=
stop() { if [ -n "$gateway" ]; then kill "$gateway" 2>/dev/null && wait "$gateway" 2>/dev/null; fi; gateway=; }
trap 'stop || true; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
start() {
  export TUNNELITE_CERTS_DIRECTORY="$folder/certs-$1"
  $pin0 node src/cli/main.js start --log-level warn --set gateway.port=0 --set identity.port=0 --set admin.port=0 --set gateway.network=10.64.0.0/14 \
    --set gateway.dpd=10 --set journal.level=warn >"$folder/gateway-$1.log" 2>&1 &
  gateway=$!
  node src/cli/main.js wait >/dev/null
}
run() {
  echo "== $1"
  $pin1 node src/cli/main.js load "$folder/$1.yaml" --out "$folder/$1.json" | grep -v ' of .* s, ' || echo "(exit code not 0)"
  grep -v '^$' "$folder/gateway-$1.log" | tail -3
  stop || true
}

cat >"$folder/idle.yaml" <<PLAN
name: $idle idle clients
clients: $idle
lag: 1s
traffic: { every: 30s }
phases:
  - { phase: login storm, for: 300s, until: done, arrivals: { constant: 100 } }
  - { phase: steady, for: 60s }
thresholds: [login.failed == 0, dtls.never == 0, sessions.lost == 0, channel.changes <= $idle]
PLAN
cat >"$folder/storm.yaml" <<PLAN
name: $many clients at once
clients: $many
lag: 60s
client: { timeout: 120s }
traffic: { every: 30s }
phases:
  - { phase: login storm, for: 120s, until: done }
thresholds: [login.failed == 0, login.done == $many, sessions.lost == 0]
PLAN
# Moved by 2 × DPD + 5 s, and back within the longest pause between two tries.
cat >"$folder/blackout.yaml" <<PLAN
name: $many clients lose UDP
clients: $many
lag: 2s
client: { dtlsRetry: [1s, 16s] }
traffic: { every: 5s }
phases:
  - { phase: login storm, for: 180s, until: done, arrivals: { constant: 100 } }
  - { phase: steady, for: 5s }
  - { phase: udp blackout, for: 60s, until: done }
  - { phase: return, for: 60s, until: done }
thresholds: [login.failed == 0, sessions.lost == 0, fallback.never == 0, decision.max < 25s, return.never == 0]
PLAN
for plan in idle storm blackout; do
  start "$plan"
  run "$plan"
done
