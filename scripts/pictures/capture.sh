#!/bin/sh
# Draws docs/images/capture.svg: what tshark reads in a capture of a stock openconnect. Needs openconnect, ocproxy, curl and tshark; no root.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
node="$repository/node_modules/.bin/node"
tunnelite() { "$node" "$repository/src/cli/main.js" "$@"; }
PATH=$PATH:/usr/sbin
folder=$(mktemp -d)
cd "$folder"
started=
trap 'for one in $started; do kill "$one" 2>/dev/null || true; done; rm -rf "$folder"' EXIT

"$node" "$repository/src/cli/main.js" start --port 0 --ready-file ready.json >start.log 2>&1 &
started=$!
tunnelite wait --ready-file ready.json >/dev/null
tunnelite token --output token.jwt >/dev/null 2>&1
gateway=$("$node" -p 'JSON.parse(fs.readFileSync("ready.json", "utf8")).gateway')
"$node" "$repository/src/cli/main.js" capture tunnel.pcapng >capture.log 2>&1 &
capture=$!
started="$started $capture"
until tunnelite status --json | grep -q . && [ -s tunnel.pcapng ]; do sleep 0.2; done
openconnect --protocol=anyconnect --http-auth=Bearer --token-mode=oidc --token-secret=@token.jwt --cafile=certs/ca.pem \
  --script-tun --script 'ocproxy -D 11999' "$gateway" >openconnect.log 2>&1 &
started="$started $!"
client=$!
until curl -s -m 10 -x socks5h://127.0.0.1:11999 http://intranet.contoso.internal/whoami >page.json; do sleep 0.2; done
kill -INT "$client"
wait "$client" || true
kill -INT "$capture"
wait "$capture"

filter='http || dns || dtls.handshake || frame.comment contains "channel.switch"'
fields='-e frame.interface_name -e _ws.col.Protocol -e _ws.col.Info -e http.authorization'
# shellcheck disable=SC2086 # one option each
tshark -r tunnel.pcapng -Y "$filter" -T fields $fields 2>/dev/null |
  sed 's/USER.INFO: tunnelite: //; s/ of cstp: .*/ of cstp/; s/\(Bearer eyJ.\{16\}\)[^ ]*/\1…/; s/ *\t/\t/g; s/\t\(Bearer\)/  \1/; s/\t$//' | column -t -s "$(printf '\t')" >lines.txt
command="tshark -r tunnel.pcapng -Y '$filter' \\
  -T fields $fields"
"$node" "$repository/scripts/pictures/terminal.ts" capture "$command" --still --mark inner <lines.txt
