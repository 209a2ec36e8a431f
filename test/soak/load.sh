#!/bin/sh
# An hour of all that a load test can do to a gateway, with its memory over time at the end. Not part of the tests.
#
#   test/soak/load.sh [minutes] [clients]
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/node_modules/.bin:$PATH"
minutes=${1:-60}
clients=${2:-500}
folder=$(mktemp -d)
export TUNNELITE_CERTS_DIRECTORY="$folder/certs"
node src/cli/main.js start --set gateway.port=0 --set identity.port=0 --set admin.port=0 --set gateway.dpd=10 >"$folder/gateway.log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null || true' EXIT
node src/cli/main.js wait
{
  echo "name: soak"
  echo "clients: $clients"
  echo "lag: 1s"
  echo "client: { dtlsRetry: [1s, 8s] }"
  echo "flows: { to: tcpecho.contoso.internal:7, share: 0.1 }"
  echo "phases:"
  echo "  - { phase: login storm, for: 2m, until: done, arrivals: { poisson: 20 } }"
  round=0
  while [ $round -lt "$minutes" ]; do
    echo "  - { phase: udp blackout, for: 15s, share: 0.5 }"
    echo "  - { phase: return, for: 15s }"
    echo "  - { phase: thundering reconnect, for: 10s, share: 0.2, arrivals: { constant: 20 } }"
    echo "  - { phase: roam, for: 10s, share: 0.2, arrivals: { constant: 20 } }"
    echo "  - { phase: node loss, for: 10s, how: reset, share: 0.05 }"
    round=$((round + 1))
  done
  echo "thresholds: [sessions.lost == 0, login.failed == 0]"
} >"$folder/plan.yaml"
node src/cli/main.js load "$folder/plan.yaml" --out "$folder/result.json" || true
node -e '
  const { gateway, series } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  const rss = series.gateway.rss.filter((one) => one !== null);
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
  const part = (share) => rss[Math.floor((rss.length - 1) * share)];
  console.log(`RSS of the gateway in MiB at 0, 25, 50, 75 and 100 %: ${[0, 0.25, 0.5, 0.75, 1].map((share) => mib(part(share))).join(", ")}; at most ${mib(gateway.rss.max)}`);
' "$folder/result.json"
