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
  if (OTHER_KEY.has(reason) || /different keys|may have another key/.test(explanation)) {
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

const STAYS = 'Data goes over TLS meanwhile: slower, and with the delays of TCP in TCP, but it goes.';

export const CHANNEL_CAUSES: readonly Cause[] = [
  cause({
    id: 'channel-udp-missing',
    area: 'channel',
    weight: 'trouble',
    title: 'DTLS never answered: is UDP blocked on the way?',
    on: 'channel.dtls.missing',
    what: ({ port }) => `The client was told to use UDP port ${port}, and nothing came from it there.`,
    why: `A firewall drops UDP, or a port mapping in front (Docker, NAT) has TCP only, or another UDP port. ${STAYS}`,
    next: ({ port }) => [
      `Let UDP port ${port} through: with Docker, publish it as ${port}:${port}/udp too.`,
      'If the mapping shows another UDP port, set gateway.announcedUdpPort to that.',
      'On the client, `nc -u` or a capture shows whether its datagrams leave.',
    ],
    docs: ['docs/reference/configuration.md', 'docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-udp-not-asked',
    area: 'channel',
    weight: 'note',
    title: 'The client did not ask for DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'not asked for',
    what: 'Its CONNECT names no way to do DTLS, so the gateway offered none.',
    why: (_, { visit }) =>
      visit.client.kind === 'openconnect'
        ? 'openconnect was started with --no-dtls, or was built without DTLS.'
        : 'DTLS is switched off in the client, or it has none.',
    next: ['Leave --no-dtls out, if DTLS is wanted.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-udp-off',
    area: 'channel',
    weight: 'note',
    title: 'The gateway offers no DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'off',
    what: 'The client asked for DTLS, and the gateway offered none.',
    why: 'The configuration switches it off (gateway.disableUdp, or disableUdpConnections of a server configuration).',
    next: ['Set gateway.disableUdp to false, if DTLS is wanted.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'channel-udp-nothing-in-common',
    area: 'channel',
    weight: 'trouble',
    title: 'Client and gateway know no common kind of DTLS',
    on: 'session.connect',
    when: ({ udp }) => udp === 'nothing in common',
    what: 'The client asked for DTLS, with cipher suites only that the gateway does not have.',
    why: 'It names neither PSK-NEGOTIATE, which clients of the last years do, nor one of the older suites with its master secret.',
    next: ['Update the client.', 'openconnect: do not narrow --dtls-ciphers and --dtls12-ciphers.'],
    docs: ['docs/reference/protocol.md'],
  }),
  refused('openssl-reconnect', {
    title: 'An OpenSSL build of openconnect does not return to DTLS after a reconnect',
    why: 'It takes the key for DTLS from its first TLS connection, and goes on using that for all later ones. The gateway takes it from the current one, as the protocol says.',
    next: [
      'Use a build with GnuTLS (`openconnect --version` says which one it is), or connect anew instead of reconnecting.',
      'The real gateway behaves the same.',
    ],
  }),
  refused('other-key', {
    title: 'DTLS failed: the two sides have different keys',
    why: 'Both take the key from the TLS connection. It differs when something on the way ends TLS and begins it anew, or when the client takes it from another connection.',
    next: [
      'Look for a proxy or load balancer that inspects TLS on the way: DTLS cannot work through it.',
      'With a client of your own: export the key without a context, from the connection that sent CONNECT.',
    ],
  }),
  refused('not-authentic', {
    title: 'Datagrams were changed on the way, or made by somebody else',
    why: 'Their authentication failed. Single ones are dropped without harm.',
    next: ['If there are many, compare a capture at both ends.'],
    weight: 'note',
  }),
  refused('timeout', {
    title: 'The DTLS handshake was not completed',
    why: 'The client’s datagrams arrive, and ours seem not to reach it; or they are lost because they are too large.',
    next: ['Let UDP through in both directions.', 'Try a smaller MTU: gateway.mtu.'],
  }),
  refused('no-common-cipher', {
    title: 'DTLS failed: no cipher suite in common',
    why: 'What the client offers in its ClientHello is not what its tunnel was set up for.',
    next: ['Let the client offer PSK suites with AES-GCM.'],
  }),
  refused('version', {
    title: 'DTLS failed: the client does not offer DTLS 1.2',
    why: 'DTLS 1.0 is for legacy clients that announce it in their CONNECT; 1.3 is not part of the protocol.',
    next: ['Have the client offer DTLS 1.2.'],
  }),
  refused('unknown-session', {
    title: 'DTLS failed: no tunnel has the id of this ClientHello',
    why: 'It is of an older tunnel, of another gateway behind the same address, or the client does not put X-DTLS-App-ID into its session id.',
    next: [
      'With a client of your own: send the bytes of X-DTLS-App-ID as the session id of the ClientHello.',
      'Behind a load balancer, TCP and UDP of a client have to reach the same gateway.',
    ],
  }),
  refused('unknown-peer', {
    title: 'Records of no DTLS association',
    why: 'The tunnel that they are of has ended, perhaps with the gateway: a client finds that out by itself within a while.',
    next: ['Wait for its dead peer detection, or reconnect the client.'],
    weight: 'note',
  }),
  refused('malformed', {
    title: 'What came by UDP is not DTLS',
    why: 'Another program sends to this port, or datagrams are cut short on the way.',
    next: ['Capture the port, and look who sends.'],
    weight: 'note',
  }),
  refused('full', {
    title: 'There are as many DTLS associations as are allowed',
    why: 'A limit of the gateway was met.',
    next: ['End sessions.'],
  }),
  refused('failed', {
    title: 'The DTLS handshake failed',
    why: 'One side gave up with this alert.',
    next: ['Look at what the client says of it: openconnect does with -v.'],
  }),
  cause({
    id: 'channel-fell-back',
    area: 'channel',
    weight: 'trouble',
    title: 'DTLS fell silent, data went back to TLS',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('deadline'),
    what: ({ reason }) => `Data to the client went over DTLS, and goes over TLS now: ${reason}.`,
    why: 'UDP stopped working on the way: a firewall forgot the flow, a NAT its mapping, or the client changed its network.',
    next: [
      'Nothing: the gateway goes back to DTLS at the client’s first datagram.',
      'If it happens again and again, shorten gateway.keepalive and gateway.dpd, so that the way stays open.',
    ],
    docs: ['docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-client-moved',
    area: 'channel',
    weight: 'trouble',
    title: 'The client itself went back to TLS',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('over TLS'),
    what: 'The client sent its data over TLS although DTLS is up; so does the gateway now.',
    why: 'It has not heard us over UDP: our datagrams are lost on the way to it, or it just came back from a pause.',
    next: ['Let UDP through in both directions.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['udp'],
  }),
  cause({
    id: 'channel-dtls-ended',
    area: 'channel',
    weight: 'note',
    title: 'The DTLS association ended, the tunnel did not',
    on: 'channel.switch',
    when: ({ to, reason }) => to === 'cstp' && reason.includes('association ended'),
    what: (_, { visit, event }) =>
      `DTLS ended (${visit.last('channel.dtls.close', event.seq + 1)?.fields.reason ?? 'the association ended'}); data goes over TLS.`,
    why: 'One side closed it: openconnect does so when its dead peer detection for DTLS strikes, and tries again after a minute.',
    next: ['Wait: the client shakes hands again by itself.'],
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
    why: 'A NAT on the way gave it another port, or the client changed its network.',
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
    what: ({ mtu }) => `The tunnel carries packets of ${mtu} bytes at most.`,
    why: 'The client asked for that (openconnect: --mtu, --base-mtu), or gateway.mtu says so. Below 1280 there is no IPv6 (RFC 8200).',
    next: ['Leave the MTU to be found out, unless the way really is that narrow.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-spoofed',
    area: 'channel',
    weight: 'trouble',
    title: 'Packets from an address that is not the client’s own',
    on: 'channel.spoofed',
    what: ({ count }) =>
      `${count} ${count === 1 ? 'packet' : 'packets'} had another source address than the one that the session got, and were dropped.`,
    why: 'The client routes packets of other interfaces into the tunnel, or keeps the address of an older session.',
    next: [
      'Have the client use the address of this session for what it sends into the tunnel.',
      'A machine that is a router has to translate addresses (masquerade).',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-malformed',
    area: 'channel',
    weight: 'trouble',
    title: 'Packets that are no IP packets',
    on: 'channel.malformed',
    what: ({ count }) => `${count} ${count === 1 ? 'packet was' : 'packets were'} no IP packets, and were dropped.`,
    why: 'The client sends something else than whole IP packets: a header of a TUN device before them, or parts of packets.',
    next: [
      'With a client of your own: open the TUN device with IFF_NO_PI, and send one packet in each CSTP or DTLS record.',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'channel-protocol-error',
    area: 'channel',
    weight: 'trouble',
    title: 'The client broke the protocol',
    on: 'channel.protocol-error',
    what: ({ channel, reason, explanation }) => `On ${channel} (${reason}): ${explanation}`,
    why: 'What came is not what the protocol has: a defect of the client, or bytes that were changed on the way.',
    next: ['Compare with docs/reference/protocol.md what the client sends.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['tcp', 'udp'],
  }),
];
