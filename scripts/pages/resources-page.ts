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

The gateway has a mock network behind it. It needs no configuration, no second machine and no real socket: connections end in the
process. The table comes from \`src/config/mock-network.ts\`, as do the default of \`services.hosts\`, DNS and what the policy allows.

| Name | Addresses | Services | What it is for |
|---|---|---|---|
${rows.join('\n')}

Everything else is refused, unless [an upstream rule](../how-to/reach-your-servers.md) allows it. \`services.hosts\` in the [configuration](configuration.md)
replaces the whole table. [Access rules](access.md) restrict who reaches what. A rule under \`resources.upstreams\` with the name of a host replaces that host with your own server.

A site is built at its first request, so sites do not slow a start. \`sim.reset()\` deletes the data that visitors left. Each request is
the event \`service.request\` ([events.md](events.md)).

## Requests

Each attempt of a client to reach something is one *connect request*: a TCP connection, the first UDP datagram to a destination, pings to an
address, an [HTTP CONNECT](http-connect.md). Each has one decision and two events. \`resource.request\` comes with the decision, so that a test
can wait for it. \`resource.end\` comes when the request is over, and is the complete entry: the requester (\`session\`, \`user\`), the way (\`channel\`,
\`protocol\`), the destination (\`destination\`, and \`host\` if DNS resolved a name), the decision with its \`rule\` and reason (\`explanation\`), the
\`target\`, the time when it \`began\`, the milliseconds until the resource \`answered\` and until the end (\`milliseconds\`), the bytes in each
direction, and the \`outcome\`: \`denied\`, \`failed\` (the resource never answered), \`broken\` (something was cut off) or \`completed\`. This command prints the access
log of a run:

\`\`\`sh
npx tunnelite journal resource.end
\`\`\`

An open connection has no \`resource.end\` yet. Pings of one client to one address are one request until 30 seconds pass without one; so are
UDP datagrams between one port and one destination, while the mapping lasts. All events of a request have its id (\`request\`: \`r1\`, \`r2\`, …).
\`trace\` is a trace id of W3C Trace Context.

## Requests as a HAR

Tunnelite keeps the last 1000 HTTP requests to the sites below, in any version of HTTP, with and without TLS. It also keeps
plain HTTP/1.1 requests to your own [upstreams](../how-to/reach-your-servers.md), whose bytes pass unchanged. Export
all of them as a HAR 1.2 for your browser's developer tools: with \`sim.resources.har()\`, from
\`GET /api/resources/requests.har\`, or on the command line:

\`\`\`sh
npx tunnelite resources har
\`\`\`

\`resources.requests.capacity\` sets how many are kept, and \`resources.requests.bodyBytes\` how much of each body (nothing by default). The
values of \`Authorization\`, \`Cookie\` and similar headers are left out. \`_request\` is the id of the connect request in the journal.

For an upstream, \`_service\` names the rule. A request without an answer has the status 0. \`_error\` has the reason, also for an incomplete answer.
The HAR does not include TLS and HTTP/2 to upstreams, bytes after an upgrade, a head of more than 16 KiB, or more than 512 connections at a time. With
a capacity of 0, the bytes are not read.

## Sites

Each site uses plain HTTP, and HTTPS with a certificate of the CA that clients trust (\`ca.pem\`). All but the intranet support HTTP/2 too.
Request bodies that a site needs as a whole take at most 128 MiB of memory together. A session that sends many at once gets 503 for some of them.

\`intranet\`: \`/\` and \`/whoami\` (the client, and its way here), \`/headers\`, \`/status/404\`, \`/bytes/1000\`, \`/upload\`.

\`webapp\`: a login form at \`/login\` (any user name, password \`contoso\`), a session cookie (\`HttpOnly\`, \`SameSite=Lax\`, with HTTPS
\`Secure\`), a form at \`/\` that uploads files of up to 8 MiB, \`/session\`, \`/logout\`.

\`api\`: described by \`/openapi.json\`. \`/echo\` returns the request; \`/status/503\`, \`/delay/2000\` (milliseconds), \`/redirect/3?status=307\`;
\`/items\` is a collection that takes \`POST\`, \`PUT\` and \`DELETE\`; \`/auth/basic\` and \`/auth/digest\` (SHA-256 and MD5) accept
\`alice\` with the password \`contoso\`, \`/auth/bearer\` accepts any token.

\`files\`: all files are parts of one pattern. \`/bytes/1000000000\` (with ranges, \`ETag\` and \`If-Range\`), \`/bytes/1000000000/sha256\`,
\`/chunked/5000?piece=100\` (without a length), \`/slow/100000?rate=20000\` (bytes per second), and \`PUT /upload\`, which answers with
the number of bytes and their SHA-256.

\`stream\`: \`/events?count=5&interval=500\` (server-sent events, continues after \`Last-Event-ID\`), \`/ws\` (WebSocket, returns each message),
\`/poll?timeout=30000\` (waits for a message from \`POST /messages\`), \`/http\` (the version of HTTP).

\`flaky\`: \`/?steps=503,reset,200\` takes one step with each request, and stays at the last one. A step is a status, \`reset\` (the connection
breaks without an answer), \`cut\` (within the answer), \`hang\` (no answer) or \`slow\`. Steps are counted per session, or per \`key=\`;
\`DELETE /\` starts over.

## Answers of your own

\`services.stubs\` sets the answers of \`stubs.contoso.internal\`. A stub with a \`host\` adds that name to DNS, with the address of this host,
and to its certificate:

\`\`\`yaml
services:
  stubs:
    - { host: orders.contoso.internal, method: GET, path: "/orders/:id", json: { state: sent }, headers: { etag: "7" } }
    - { host: orders.contoso.internal, path: "/files/*", body: a text, delay: 500 }
    - { host: orders.contoso.internal, expression: "/v[0-9]+/health", status: 204 }
    - { path: /jobs, sequence: [{ status: 503 }, { status: 200, json: { done: true } }] } # the last answer stays
\`\`\`

The first matching stub answers; a request without one gets 404. Expressions use RE2 syntax, without look-around and back-references, so
matching takes time in proportion to the input. There may be 10,000 stubs, 50 of them with an expression, with 64 MiB of bodies. Each request
is counted (\`hits\`), and is the event \`stub.request\`.

Stubs can change at run time without ending a session: by a reload, or until a reset by these commands:

\`\`\`sh
npx tunnelite stubs
npx tunnelite stubs add '{"host":"orders.contoso.internal","path":"/orders/:id","json":{"state":"sent"}}'
npx tunnelite stubs remove s1
\`\`\`

In a program, call \`sim.stubs.add\`; over REST, \`POST /api/stubs\`. Added stubs come before those of the configuration, the latest first.

## Proxies

\`proxy.contoso.internal\` has an HTTP proxy in each common mode. It accepts CONNECT, and requests for whole \`http://\` URLs.

| Port | Service | Mode |
|---|---|---|
| 3128 | \`proxy\` | \`services.proxy.mode\`: \`none\` (the default), \`allow-list\`, \`authenticated\` or \`inspecting\` |
| 3129 | \`proxy-allow-list\` | Allows the destinations of \`services.proxy.allow\`; 403 for others |
| 3130 | \`proxy-authenticated\` | Asks for one of \`services.proxy.users\` (\`alice\` with the password \`contoso\`) by 407: Basic and Digest |
| 3131 | \`proxy-inspecting\` | Asks too, and decrypts CONNECT tunnels with certificates of its own CA |

\`\`\`sh fragment
curl -x http://proxy.contoso.internal:3128 http://intranet.contoso.internal/whoami
curl -x http://proxy.contoso.internal:3130 --proxy-user alice:contoso --cacert certs/ca.pem https://intranet.contoso.internal/
curl -o inspecting-ca.pem http://proxy.contoso.internal/inspecting-ca.pem
curl -x http://proxy.contoso.internal:3131 --proxy-user alice:contoso --cacert inspecting-ca.pem https://intranet.contoso.internal/
\`\`\`

Each request gets a decision of the policy and a journal entry, like every connection in the tunnel (\`resource.request\` and \`resource.end\`, channel
\`http-proxy\`); \`proxy.request\` has the client's answer. Failures are 403, 502, 503 or 504 with a reason in the body and in \`Proxy-Status\`
(RFC 9209). The resource sees the proxy's address.

The inspecting CA differs from \`ca.pem\`, has the same name constraints, and is created at its first use. The proxy itself checks the
certificates of sites: behind it, \`expired\`, \`untrusted\` and \`wrongname\` are 502. It supports HTTP/1.1 only, accepts only TLS
in its tunnels, has no client certificate, and does not forward WebSockets.

Ambiguous requests are refused: two lengths, a length and a coding, two hosts, folded lines, addresses in decimal or octal, users in
URLs. A proxy that leads to a proxy of the mock network is refused (403), and so is a request loop (508).

## The PAC file

\`http://pac.contoso.internal/proxy.pac\` (\`/wpad.dat\` too) comes from \`services.pac\`:

\`\`\`yaml
services:
  pac:
    proxy: proxy.contoso.internal:3128
    exclusions: [app.contoso.internal, "*.public.example", 10.20.0.11, "fd10:20::11"]
    fallback: false
\`\`\`

Exclusions have Microsoft Tunnel's syntax: a host name, \`*.\` and a domain for all below it, or an address. Wildcards elsewhere, ranges, URLs, and
addresses in decimal, octal, hexadecimal or as \`::ffff:10.20.0.10\` are refused with the reason and their line. Clients get the file's address from their profile, as in the real product. The gateway names
no proxy, unless \`gateway.proxyPac\` has a URL, such as \`http://pac.contoso.internal/proxy.pac\`. Then it is in the answer to CONNECT as
\`X-CSTP-MSIE-Proxy-Pac-URL\`, in the server's spelling. The [bundled client](client.md) follows it; openconnect 9 ignores it.

## DNS

The resolver answers at every address of \`gateway.dnsServers\`, over UDP and TCP: for the hosts above and their addresses, for the names of
upstreams, and for what \`services.records\` adds. Other names are refused, unless [your own name
servers](#other-name-servers) resolve them. An answer that is longer than the client accepts
(512 bytes, or its EDNS size, 1232 at most) is marked as truncated, and is complete over TCP. Each query is the event \`dns.query\`.

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

A wildcard answers for all names below it that do not exist otherwise (RFC 4592). A negative answer has the zone’s start of authority, with which
clients may cache it for a minute (RFC 2308).

Clients append \`gateway.defaultDomain\` to short names, so that \`intranet\` is enough, and resolve the domains in
\`gateway.splitDns\` through the tunnel; \`tunnelite config check\` warns of records outside these. \`sim.resources.list().dns\` and \`GET /api/resources\` count the
queries by outcome.

### Other name servers

The resolver can ask your own name servers for names outside the mock network:

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
are asked in order, over UDP, and over TCP if an answer is truncated. The next one is asked when one refuses, fails or does not answer; a silent
one comes last for 30 seconds. Nothing is cached between queries, and DNSSEC is not checked.

Answers are not trusted. Each query has its own socket, id and mix of upper and lower case, and an answer must match
all three; others are ignored (\`dns.stray\` counts them). Of a valid answer only the records for the query are passed on. Answers that
lead to this machine, a link-local address or a cloud’s metadata service are refused ([why](../how-to/reach-your-servers.md#what-is-not-reached)), unless
\`resources.dns.local\` is true. An alias to a name of the mock network is resolved here. A query loop gets
SERVFAIL, and so does every query beyond 64 waiting ones of a session, or 256 in all.

Clients reach these addresses only if an [upstream rule](../how-to/reach-your-servers.md) by address allows it.

## Certificates

| Host | Behavior |
|---|---|
| \`trusted\` | A valid certificate. It is issued by an intermediate, which is sent along |
| \`untrusted\` | A self-signed certificate: an unknown issuer |
| \`expired\` | A certificate from the CA that expired a week ago |
| \`wrongname\` | A valid certificate, but for \`other.contoso.internal\` |
| \`clientcert\` | The handshake fails without a client certificate. One from another CA gets 403 with the reason |
| \`optionalcert\` | Requests a client certificate; \`/\` shows it |

Each of them serves over plain HTTP what a client needs: \`/ca.pem\`, and \`/client.pem\` with a certificate and key in the requester's name:

\`\`\`sh fragment
curl -o client.pem http://clientcert.contoso.internal/client.pem
curl --cacert certs/ca.pem --cert client.pem https://clientcert.contoso.internal/
\`\`\`

A CA from an earlier version allows no intermediate: \`trusted\` then presents a certificate that the CA issued itself.
`;
}
