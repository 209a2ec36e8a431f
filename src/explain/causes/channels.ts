import { type Cause, cause, type Evidence } from '../visit/cause.ts';
import { flightsBefore, lostFlight } from './flights.ts';

type Refused = Evidence<'channel.dtls.refused'>;

/** Reasons that always mean different keys. */
const OTHER_KEY = new Set(['bad_record_mac', 'decrypt_error', 'unknown_psk_identity']);

/** After a reconnect, openconnect built with OpenSSL keeps its old DTLS key: it exports the key only once (observed with 9.21). */
const keepsOldKey = ({ visit, event }: Refused): boolean =>
  visit.client.kind === 'openconnect' &&
  visit.client.library === 'OpenSSL' &&
  visit.of('session.connect').some(({ seq, fields }) => fields.resumed && seq < event.seq);

const REASONS = new Set([
  'malformed',
  'unknown-peer',
  'rate-limited',
  'unknown-session',
  'no-common-cipher',
  'version',
  'full',
]);

/** One word for each kind of DTLS refusal. */
function kindOf(evidence: Refused): string {
  const { reason, explanation } = evidence.fields;
  if (OTHER_KEY.has(reason) || /different keys|key may be different/.test(explanation)) {
    return keepsOldKey(evidence) ? 'openssl-reconnect' : 'other-key';
  }
  if (reason === 'not-authentic') return 'not-authentic';
  if (reason === 'rate-limited') return 'unknown-peer';
  if (reason === 'timeout') return 'timeout';
  return REASONS.has(reason) ? reason : 'failed';
}

function refused(
  kind: string,
  words: {
    readonly title: string;
    readonly why: string;
    readonly next: readonly string[];
    readonly weight?: 'trouble' | 'note';
  },
): Cause {
  return cause({
    id: `dtls-${kind}`,
    area: 'channel',
    weight: words.weight ?? 'trouble',
    title: words.title,
    on: 'channel.dtls.refused',
    when: (_, evidence) => kindOf(evidence) === kind,
    what: ({ reason, explanation }, { visit, event }) => {
      const lost = kind === 'timeout' ? lostFlight(flightsBefore(visit, event.seq)) : undefined;
      return `DTLS was refused (${reason}): ${explanation}${lost === undefined ? '' : ` ${lost}`}`;
    },
    why: words.why,
    next: words.next,
    docs: ['docs/reference/protocol.md', 'docs/reference/dtls.md'],
    seams: ['udp'],
  });
}

const STAYS = 'Meanwhile data goes over TLS, which is slower and has the delays of TCP in TCP.';

export const CHANNEL_CAUSES: readonly Cause[] = [
  cause({
    id: 'channel-udp-missing',
    area: 'channel',
    weight: 'trouble',
    title: 'No DTLS from the client: UDP may be blocked',
    on: 'channel.dtls.missing',
    what: ({ port }) => `The gateway announced UDP port ${port}, and received nothing from the client there.`,
    why: `A firewall drops UDP, or a port mapping (Docker, NAT) covers only TCP or has another UDP port. ${STAYS}`,
    next: ({ port }) => [
      `Allow UDP port ${port}: with Docker, also publish ${port}:${port}/udp.`,
      'If the mapping has another UDP port, set gateway.announcedUdpPort to that port.',
      'On the client, `nc -u` or a capture shows whether its datagrams are sent.',
    ],
    docs: ['docs/reference/configuration.md', 'docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-udp-not-asked',
    area: 'channel',
    weight: 'note',
    title: 'The client did not request DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'not asked for',
    what: 'Its CONNECT has no headers for DTLS, so the gateway offered none.',
    why: (_, { visit }) =>
      visit.client.kind === 'openconnect'
        ? 'openconnect was started with --no-dtls, or was built without DTLS.'
        : 'DTLS is turned off in the client, or not supported.',
    next: ['To use DTLS, omit --no-dtls.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-udp-off',
    area: 'channel',
    weight: 'note',
    title: 'The gateway offers no DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'off',
    what: 'The client requested DTLS, and the gateway offered none.',
    why: 'The configuration turns it off (gateway.disableUdp, or disableUdpConnections of a server configuration).',
    next: ['To use DTLS, set gateway.disableUdp to false.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'channel-udp-nothing-in-common',
    area: 'channel',
    weight: 'trouble',
    title: 'Client and gateway support no common kind of DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'nothing in common',
    what: 'The client requested DTLS, but only with cipher suites that the gateway does not support.',
    why: 'It sent neither PSK-NEGOTIATE, as current clients do, nor one of the older suites with a master secret.',
    next: ['Update the client.', 'openconnect: do not restrict --dtls-ciphers and --dtls12-ciphers.'],
    docs: ['docs/reference/protocol.md'],
  }),
  refused('openssl-reconnect', {
    title: 'An OpenSSL build of openconnect does not return to DTLS after a reconnect',
    why: 'It exports the DTLS key from its first TLS connection and keeps it for all later ones. The gateway exports it from the current one, as the protocol requires.',
    next: [
      'Use a build with GnuTLS (`openconnect --version` says which one it is), or start a new connection instead of reconnecting.',
      'The real gateway behaves the same way.',
    ],
  }),
  refused('other-key', {
    title: 'DTLS failed: the two sides have different keys',
    why: 'Both export the key from the TLS connection. The keys differ if a device on the path terminates TLS, or if the client uses another connection.',
    next: [
      'Look for a proxy or load balancer that inspects TLS: DTLS cannot work through it.',
      'With your own client: export the key without a context, from the connection that sent CONNECT.',
    ],
  }),
  refused('not-authentic', {
    title: 'Datagrams were modified on the way, or forged',
    why: 'Their authentication failed. Dropping single ones is harmless.',
    next: ['If there are many, compare captures at both ends.'],
    weight: 'note',
  }),
  refused('timeout', {
    title: 'The DTLS handshake was not completed',
    why: 'The client’s datagrams arrive, but the gateway’s datagrams do not seem to reach it, perhaps because they are too large.',
    next: ['Allow UDP in both directions.', 'Try a smaller MTU: gateway.mtu.'],
  }),
  refused('no-common-cipher', {
    title: 'DTLS failed: no cipher suite in common',
    why: 'The suites in the client’s ClientHello are not those negotiated for its tunnel.',
    next: ['Configure the client to offer PSK suites with AES-GCM.'],
  }),
  refused('version', {
    title: 'DTLS failed: the client does not offer DTLS 1.2',
    why: 'DTLS 1.0 is for legacy clients that announce it in their CONNECT; 1.3 is not part of the protocol.',
    next: ['Configure the client to offer DTLS 1.2.'],
  }),
  refused('unknown-session', {
    title: 'DTLS failed: no tunnel has the id of this ClientHello',
    why: 'It belongs to an older tunnel or to another gateway at the same address, or the client does not send X-DTLS-App-ID as its session id.',
    next: [
      'With your own client: send the bytes of X-DTLS-App-ID as the session id of the ClientHello.',
      'Behind a load balancer, TCP and UDP of a client must reach the same gateway.',
    ],
  }),
  refused('unknown-peer', {
    title: 'Records without a DTLS association',
    why: 'Their tunnel has ended, perhaps because the gateway restarted. The client will notice it after a while.',
    next: ['Wait for its dead peer detection, or reconnect the client.'],
    weight: 'note',
  }),
  refused('malformed', {
    title: 'Datagrams that are not DTLS',
    why: 'Another program sends to this port, or datagrams are truncated on the way.',
    next: ['Capture traffic on the port to find the sender.'],
    weight: 'note',
  }),
  refused('full', {
    title: 'The limit of DTLS associations is reached',
    why: 'The gateway reached its limit.',
    next: ['End sessions.'],
  }),
  refused('failed', {
    title: 'The DTLS handshake failed',
    why: 'One side ended the handshake with this alert.',
    next: ['Check the client’s log (openconnect: use -v).'],
  }),
  cause({
    id: 'channel-fell-back',
    area: 'channel',
    weight: 'trouble',
    title: 'DTLS stopped answering, and data moved to TLS',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('deadline'),
    what: ({ reason }) => `Data to the client moved from DTLS to TLS: ${reason}.`,
    why: 'UDP stopped working: a firewall dropped the flow, a NAT lost its mapping, or the client changed its network.',
    next: [
      'Nothing: the gateway returns to DTLS on the client’s first datagram.',
      'If it happens often, shorten gateway.keepalive and gateway.dpd to keep the path open.',
    ],
    docs: ['docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-client-moved',
    area: 'channel',
    weight: 'trouble',
    title: 'The client itself returned to TLS',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('over TLS'),
    what: 'The client sent data over TLS although DTLS is ready, so the gateway now does the same.',
    why: 'It received nothing over UDP: the gateway’s datagrams are lost on the way, or the client has just resumed after a pause.',
    next: ['Allow UDP in both directions.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-dtls-ended',
    area: 'channel',
    weight: 'note',
    title: 'The DTLS association ended, but not the tunnel',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('association ended'),
    what: (_, { visit, event }) =>
      `DTLS ended (${visit.last('channel.dtls.close', event.seq + 1)?.fields.reason ?? 'the association ended'}); data goes over TLS.`,
    why: 'One side closed it: openconnect does so when its dead peer detection for DTLS fails, and tries again after a minute.',
    next: ['Wait: the client starts another handshake automatically.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-moved',
    area: 'channel',
    weight: 'note',
    title: 'The client’s datagrams come from another address',
    on: 'channel.dtls.move',
    what: ({ from, to }) => `DTLS moved from ${from} to ${to}, without a new handshake.`,
    why: 'A NAT assigned another port, or the client changed its network.',
    next: ['Nothing.'],
    docs: ['docs/reference/dtls.md'],
  }),
  cause({
    id: 'channel-small-mtu',
    area: 'channel',
    weight: 'note',
    title: 'The MTU of the tunnel is small',
    on: 'session.connect',
    when: ({ mtu }) => mtu > 0 && mtu < 1280,
    what: ({ mtu }) => `The tunnel carries packets of at most ${mtu} bytes.`,
    why: 'The client requested this (openconnect: --mtu, --base-mtu), or gateway.mtu sets it. Below 1280 there is no IPv6 (RFC 8200).',
    next: ['Use automatic MTU detection unless the path MTU really is that small.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-spoofed',
    area: 'channel',
    weight: 'trouble',
    title: 'Packets from an address that is not the client’s own',
    on: 'channel.spoofed',
    what: ({ count }) =>
      `${count} ${count === 1 ? 'packet' : 'packets'} had a source address other than the session's, and were dropped.`,
    why: 'The client routes packets of other interfaces into the tunnel, or keeps the address of an older session.',
    next: [
      'Configure the client to use the address of this session for packets in the tunnel.',
      'A router must translate addresses (masquerade).',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-malformed',
    area: 'channel',
    weight: 'trouble',
    title: 'Packets that are not IP packets',
    on: 'channel.malformed',
    what: ({ count }) => `${count} ${count === 1 ? 'packet was' : 'packets were'} not IP packets, and dropped.`,
    why: 'The client does not send whole IP packets: they have a TUN header, or are fragments of packets.',
    next: ['With your own client: open the TUN device with IFF_NO_PI, and send one packet per CSTP or DTLS record.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-protocol-error',
    area: 'channel',
    weight: 'trouble',
    title: 'The client violated the protocol',
    on: 'channel.protocol-error',
    what: ({ channel, reason, explanation }) => `On ${channel} (${reason}): ${explanation}`,
    why: 'The bytes received are not valid in the protocol: the client has a defect, or they were modified on the way.',
    next: ['Compare what the client sends with docs/reference/protocol.md.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['tcp', 'udp'],
  }),
];
