import { MOCK_HOSTS, mockAddresses, mockName } from '../../src/config/index.ts';

const ports = (protocol: string, services: Readonly<Record<string, string>> = {}): string[] =>
  Object.entries(services).map(([port, service]) => `${port}/${protocol} \`${service}\``);

/** docs/reference/resources.md: the mock network, from the table that it is made from. */
export function resourcesPage(): string {
  const rows = MOCK_HOSTS.map((host) => {
    const [ipv4, ipv6] = mockAddresses(host);
    const services = [...ports('tcp', host.tcp), ...ports('udp', host.udp)].join(', ') || '—';
    return `| \`${mockName(host)}\` | ${ipv4}, ${ipv6} | ${services} | ${host.about} |`;
  });
  return `# The mock network

Behind the gateway is a network to test against. It needs no configuration, no second machine and no real socket: connections end in the
process. The table comes from \`src/config/mock-network.ts\`, as do the default of \`services.hosts\`, DNS and what the policy allows.

| Name | Addresses | Services | What it is for |
|---|---|---|---|
${rows.join('\n')}

Everything else is refused, unless [an upstream rule](../how-to/reach-your-servers.md) allows it. \`services.hosts\` in the [configuration](configuration.md)
takes the place of the whole table. [Rules of access](access.md) narrow down who reaches what. A rule under \`resources.upstreams\` with the name of a host puts your own server in its place.

Sites are built for their first visitor, so they cost a start nothing. \`sim.reset()\` forgets what visitors left with them. Each request is
the event \`service.request\` ([events.md](events.md)).

## Requests

Whatever a client does to reach something is one *connect request*: a TCP connection, the first UDP datagram to a destination, pings to an
address, an [HTTP CONNECT](http-connect.md). Each has one decision and two events. \`resource.request\` comes with the decision, so that a test
can wait for it. \`resource.end\` comes when the request is over, and is the one whole entry: who asked (\`session\`, \`user\`), how (\`channel\`,
\`protocol\`), for what (\`destination\`, and \`host\` if DNS told a name), what was decided, by which \`rule\` and why (\`explanation\`), where it went
(\`target\`), when it \`began\`, after how many milliseconds the resource had \`answered\` and all was over (\`milliseconds\`), how many bytes went each
way, and the \`outcome\`: \`denied\`, \`failed\` (the resource never answered), \`broken\` (something was cut off) or \`completed\`. So this is the access
log of a run:

\`\`\`sh
npx tunnelite journal resource.end
\`\`\`

A connection that is open has no \`resource.end\` yet. Pings of one client to one address are one request until none came for 30 seconds; so are
UDP datagrams between one port and one destination, while the mapping lasts. All events of a request have its id (\`request\`: \`r1\`, \`r2\`, …).
\`trace\` is a trace id as W3C Trace Context has it.

## Requests as a HAR

The last 1000 HTTP requests to the sites below are kept, whatever version of HTTP they came by, and over TLS too, since that ends here. So are
plain HTTP/1.1 requests to your own [upstreams](../how-to/reach-your-servers.md): their bytes pass as they are, and are read beside their way. You can
read all of them as a HAR 1.2, which browsers' developer tools and many others open: with \`sim.resources.har()\`, from
\`GET /api/resources/requests.har\`, or on the command line:

\`\`\`sh
npx tunnelite resources har
\`\`\`

\`resources.requests.capacity\` says how many are kept, \`resources.requests.bodyBytes\` how much of each body (nothing, unless you say so). The
values of \`Authorization\`, \`Cookie\` and the like are not shown. \`_request\` is the id of the connect request in the journal.

Of an upstream, \`_service\` names the rule. A request without an answer has the status 0, and \`_error\` says why, also where an answer broke off.
The HAR does not show TLS and HTTP/2 to upstreams, what follows an upgrade, a head of more than 16 KiB, or more than 512 connections at a time. With
a capacity of 0, nobody looks at the bytes.

## Sites

Each is there as plain HTTP and as HTTPS with a certificate of the CA that clients trust (\`ca.pem\`). All but the intranet speak HTTP/2 too.

\`intranet\`: \`/\` and \`/whoami\` (who came, and how), \`/headers\`, \`/status/404\`, \`/bytes/1000\`, \`/upload\`.

\`webapp\`: a login form at \`/login\` (any user name, password \`contoso\`), a session cookie (\`HttpOnly\`, \`SameSite=Lax\`, with HTTPS
\`Secure\`), a form at \`/\` that uploads files, \`/session\`, \`/logout\`.

\`api\`: described by \`/openapi.json\`. \`/echo\` shows what was sent; \`/status/503\`, \`/delay/2000\` (milliseconds), \`/redirect/3?status=307\`;
\`/items\` is a collection that takes \`POST\`, \`PUT\` and \`DELETE\`; \`/auth/basic\` and \`/auth/digest\` (SHA-256 and MD5) know
\`alice\` with the password \`contoso\`, \`/auth/bearer\` takes any token.

\`files\`: all files are parts of one pattern. \`/bytes/1000000000\` (with ranges, \`ETag\` and \`If-Range\`), \`/bytes/1000000000/sha256\`,
\`/chunked/5000?piece=100\` (no length in front), \`/slow/100000?rate=20000\` (bytes per second), and \`PUT /upload\`, which answers with
the number of bytes and their SHA-256.

\`stream\`: \`/events?count=5&interval=500\` (server-sent events, goes on after \`Last-Event-ID\`), \`/ws\` (WebSocket, returns each message),
\`/poll?timeout=30000\` (waits for what \`POST /messages\` brings), \`/http\` (the version of HTTP).

\`flaky\`: \`/?steps=503,reset,200\` takes one step with each request, and stays at the last. A step is a status, \`reset\` (the connection
breaks without an answer), \`cut\` (within the answer), \`hang\` (no answer) or \`slow\`. Each session counts by itself, or each \`key=\`;
\`DELETE /\` begins anew.

## Answers of your own

\`stubs.contoso.internal\` answers as you say, by \`services.stubs\`. A stub with a \`host\` gives that name the address of this host, in DNS
and in its certificate:

\`\`\`yaml
services:
  stubs:
    - { host: orders.contoso.internal, method: GET, path: "/orders/:id", json: { state: sent }, headers: { etag: "7" } }
    - { host: orders.contoso.internal, path: "/files/*", body: a text, delay: 500 }
    - { host: orders.contoso.internal, expression: "/v[0-9]+/health", status: 204 }
    - { path: /jobs, sequence: [{ status: 503 }, { status: 200, json: { done: true } }] } # the last answer stays
\`\`\`

The first stub that fits answers; what none fits gets 404. Expressions have the syntax of RE2, without look-around and references back, so
that none takes longer than its text is long. There may be 10,000 stubs, 50 of them with an expression, with 64 MiB of bodies. Each request
is the event \`stub.request\`, and counted (\`hits\`).

Stubs are changed while it runs, and no session ends: by a reload, or by these, until a reset:

\`\`\`sh
npx tunnelite stubs
npx tunnelite stubs add '{"host":"orders.contoso.internal","path":"/orders/:id","json":{"state":"sent"}}'
npx tunnelite stubs remove s1
\`\`\`

In a program it is \`sim.stubs.add\`, and over REST \`POST /api/stubs\`. What is added comes before the stubs of the configuration, the latest first.

## Proxies

\`proxy.contoso.internal\` has an HTTP proxy in each mode that people test with. It takes CONNECT, and requests for whole \`http://\` URLs.

| Port | Service | Mode |
|---|---|---|
| 3128 | \`proxy\` | \`services.proxy.mode\`: \`none\` (the default), \`allow-list\`, \`authenticated\` or \`inspecting\` |
| 3129 | \`proxy-allow-list\` | Clients may go where \`services.proxy.allow\` says; 403 elsewhere |
| 3130 | \`proxy-authenticated\` | Asks for one of \`services.proxy.users\` (\`alice\` with the password \`contoso\`) by 407: Basic and Digest |
| 3131 | \`proxy-inspecting\` | Asks too, and reads what goes through a CONNECT: it shows certificates of a CA of its own |

\`\`\`sh fragment
curl -x http://proxy.contoso.internal:3128 http://intranet.contoso.internal/whoami
curl -x http://proxy.contoso.internal:3130 --proxy-user alice:contoso --cacert certs/ca.pem https://intranet.contoso.internal/
curl -o inspecting-ca.pem http://proxy.contoso.internal/inspecting-ca.pem
curl -x http://proxy.contoso.internal:3131 --proxy-user alice:contoso --cacert inspecting-ca.pem https://intranet.contoso.internal/
\`\`\`

Each request gets a decision of the policy and a journal entry, as every connection in the tunnel (\`resource.request\` and \`resource.end\`, channel
\`http-proxy\`); \`proxy.request\` says what the client got. What leads nowhere is 403, 502, 503 or 504 with a reason in words and in \`Proxy-Status\`
(RFC 9209). The resource sees the proxy's address.

The inspecting CA is another than \`ca.pem\`, with the same name constraints, and made when it is first used. The proxy itself checks the
certificates of sites: behind it, \`expired\`, \`untrusted\` and \`wrongname\` are 502. It speaks HTTP/1.1 only, takes nothing but TLS
in its tunnels, has no client certificate to show, and passes no WebSocket on.

What could be read in two ways is refused: two lengths, a length and a coding, two hosts, folded lines, addresses in decimal or octal, users in
URLs. A proxy that leads to a proxy of the mock network is refused (403), a request that comes around again too (508).

## The PAC file

\`http://pac.contoso.internal/proxy.pac\` (\`/wpad.dat\` too) is made from \`services.pac\`:

\`\`\`yaml
services:
  pac:
    proxy: proxy.contoso.internal:3128
    exclusions: [app.contoso.internal, "*.public.example", 10.20.0.11, "fd10:20::11"]
    fallback: false
\`\`\`

Exclusions are as Microsoft Tunnel takes them: a host name, \`*.\` and a domain for all below it, or an address. Wildcards elsewhere, ranges and URLs
are refused with the reason and their line. Clients get the file's address by their profile, as in the real product: the gateway tells them
nothing of a proxy, unless \`gateway.proxyPac\` has a URL, such as \`http://pac.contoso.internal/proxy.pac\`. Then it is in the answer to CONNECT as
\`X-CSTP-MSIE-Proxy-Pac-URL\`, in the server's spelling, which the [bundled client](client.md) goes by and openconnect 9 overlooks.

## DNS

The resolver answers at every address of \`gateway.dnsServers\`, over UDP and TCP: for the hosts above and their addresses, for the names of
upstreams, and for what \`services.records\` adds. Other names are refused, unless [name servers of your
own](#other-name-servers) are asked for them. An answer that is longer than the client takes
(512 bytes, or what it says by EDNS, 1232 at most) is marked as truncated, and comes whole over TCP. Each question is the event \`dns.query\`.

\`\`\`yaml
services:
  records:
    - { name: mail.contoso.internal, type: A, data: 10.20.0.77 }
    - { name: 10.20.0.77, type: PTR, data: mail.contoso.internal }
    - { name: www.contoso.internal, type: CNAME, data: intranet.contoso.internal }
    - { name: contoso.internal, type: MX, data: 10 mail.contoso.internal }
    - { name: contoso.internal, type: TXT, data: v=spf1 mx -all, ttl: 3600 }
    - { name: _ldap._tcp.contoso.internal, type: SRV, data: 0 5 389 dc.contoso.internal }
    - { name: "*.apps.contoso.internal", type: CNAME, data: intranet.contoso.internal }
\`\`\`

A wildcard answers for all names below it that are not there otherwise (RFC 4592). An answer that says no has the zone’s start of authority, by which
clients may remember it for a minute (RFC 2308).

Clients append \`gateway.defaultDomain\` to short names, so that \`intranet\` is enough, and ask the tunnel about the domains in
\`gateway.splitDns\`; \`tunnelite config check\` warns of records outside these. \`sim.resources.list().dns\` and \`GET /api/resources\` count the
questions by what became of them.

### Other name servers

For names that the mock network does not have, the resolver asks name servers of yours, if you name some:

\`\`\`yaml
gateway:
  splitDns: [contoso.internal, corp.example]

resources:
  dns:
    servers: [192.0.2.53, "192.0.2.54:5353"]
    domains: [corp.example] # empty = all names outside the mock network
    timeout: 2
\`\`\`

Mock hosts, records and upstreams keep their names, and so does every domain of the mock network that is not listed under \`domains\`. The servers
are asked in their order, over UDP, and over TCP if an answer is cut off. The next one is asked when one refuses, fails or stays silent; one that
was silent comes last for 30 seconds. Nothing is remembered between questions, and DNSSEC is not checked.

What comes back is not trusted. Each question has a socket, an id and a mix of upper and lower case of its own, and an answer counts only with
all three; others are ignored (\`dns.stray\` tells how many). Of a right answer only the records that answer the question go on. Answers that
lead to this machine, a link-local address or a cloud’s metadata service are refused ([why](../how-to/reach-your-servers.md#what-is-not-reached)), unless
\`resources.dns.local\` is true. An alias that leads to a name of the mock network is followed here. A question that comes around again is answered
with SERVFAIL, and so is one more than 64 of a session, or 256 in all, that wait at a time.

Clients reach the addresses that they are told only if an [upstream rule](../how-to/reach-your-servers.md) by address allows it.

## Certificates

| Host | What a client meets |
|---|---|
| \`trusted\` | A good certificate. An intermediate is between it and the CA, and is sent along |
| \`untrusted\` | A self-signed certificate: an unknown issuer |
| \`expired\` | A certificate of the CA that expired a week ago |
| \`wrongname\` | A good certificate, but for \`other.contoso.internal\` |
| \`clientcert\` | The handshake fails without a client certificate. One that is not from the CA gets 403 with the reason |
| \`optionalcert\` | A client certificate is asked for; \`/\` shows which one came |

Each of them gives out over plain HTTP what a client needs: \`/ca.pem\`, and \`/client.pem\` with a certificate and key in the name of who asks:

\`\`\`sh fragment
curl -o client.pem http://clientcert.contoso.internal/client.pem
curl --cacert certs/ca.pem --cert client.pem https://clientcert.contoso.internal/
\`\`\`

A CA that an earlier version made has no room for an intermediate: \`trusted\` then shows a certificate that the CA issued itself.
`;
}
