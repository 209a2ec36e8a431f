import { type Cause, cause } from '../visit/cause.ts';
import type { Fields } from '../visit/visit.ts';

const TRUST = [
  'Give the client the CA of this instance: `tunnelite ca` shows where it is, and https://HOST:PORT/ca.pem serves it.',
  'openconnect takes it by --cafile, curl by --cacert; a phone wants it installed and trusted: docs/how-to/connect-a-phone.md.',
];

type Failed = Fields<'tls.failed'>;

/** One word for each kind of failure. The name counts first: a client that asks for a name outside the certificate cannot trust any CA. */
function kindOf({ reason, alert, covered, secured }: Failed): string {
  if (covered === false && ['untrusted', 'abandoned', 'reset'].includes(reason)) return 'name';
  if (reason !== 'untrusted') {
    if (reason === 'abandoned' || reason === 'reset') return secured === true ? 'left' : 'broken-off';
    return reason;
  }
  switch (alert) {
    case 'certificate_expired':
      return 'expired';
    case 'unsupported_certificate':
      return 'constraints';
    case 'certificate_unknown':
      return 'unknown';
    default:
      return 'untrusted';
  }
}

const is =
  (kind: string) =>
  (fields: Failed): boolean =>
    kindOf(fields) === kind;

const by = ({ library }: Failed): string => (library === undefined ? 'The client' : `The client (${library})`);

export const TLS_CAUSES: readonly Cause[] = [
  cause({
    id: 'tls-untrusted',
    area: 'tls',
    weight: 'fatal',
    title: 'The client does not trust the CA',
    on: 'tls.failed',
    when: is('untrusted'),
    what: (e) => `${by(e)} refused the gateway’s certificate${e.alert ? ` (alert ${e.alert})` : ''}.`,
    why: 'It does not know the CA that signed the certificate. Each instance has a CA of its own, which no system trusts by itself.',
    next: TRUST,
    docs: ['certs/README.md', 'docs/how-to/connect-a-phone.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-broken-off',
    area: 'tls',
    weight: 'fatal',
    title: 'The client broke off the handshake without an alert',
    on: 'tls.failed',
    when: is('broken-off'),
    what: (e) =>
      `${by(e)} ${e.reason === 'reset' ? 'reset' : 'closed'} the connection in the middle of the TLS handshake.`,
    why: 'A client that asks its user first, as openconnect does, breaks off like this when the CA is not trusted and nobody says yes.',
    next: [
      ...TRUST,
      'If it trusts the CA, look at its own log: it may have been stopped, or have run into its own time limit.',
    ],
    docs: ['certs/README.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-refused-certificate',
    area: 'tls',
    weight: 'fatal',
    title: 'The client refuses the certificate and does not say why',
    on: 'tls.failed',
    when: is('unknown'),
    what: (e) => `${by(e)} refused the gateway’s certificate with the alert certificate_unknown, which says no more.`,
    why: 'Browsers and Android send it for every reason: the CA is not trusted, or a rule of the CA, such as its name constraints, forbids the certificate.',
    next: [
      ...TRUST,
      'If the CA is trusted, look at the certificate with `openssl s_client -connect HOST:PORT -showcerts`.',
    ],
    docs: ['certs/README.md', 'docs/how-to/connect-a-phone.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-constraints',
    area: 'tls',
    weight: 'fatal',
    title: 'The client does not take certificates of this kind',
    on: 'tls.failed',
    when: is('constraints'),
    what: (e) =>
      `${by(e)} refused the gateway’s certificate as one that may not be used for this (alert unsupported_certificate).`,
    why: 'It looked at an extension of the certificate or of its CA: the purpose, or name constraints, which few old libraries understand.',
    next: [
      'Have the client check for the purpose of a TLS server.',
      'With a certificate of your own (gateway.tls.certFile), compare its extended key usage and the name constraints of its CA.',
    ],
    docs: ['certs/README.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-expired',
    area: 'tls',
    weight: 'fatal',
    title: 'The client reports that the certificate has expired',
    on: 'tls.failed',
    when: is('expired'),
    what: (e) => `${by(e)} says that the gateway’s certificate has expired.`,
    why: 'By its own clock. The certificate is renewed before its time is over, so either the clock of the client or that of the simulator is wrong.',
    next: [
      'Compare the clock of the client with that of this machine.',
      '`tunnelite clock` shows whether the clock of the simulator was moved.',
    ],
    docs: ['docs/how-to/testing.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-name',
    area: 'tls',
    weight: 'fatal',
    title: 'The client uses a name that the certificate is not for',
    on: 'tls.failed',
    when: is('name'),
    what: (e) => `The client asked for ${e.serverName}, and the gateway’s certificate is not for that name.`,
    why: 'It connects by a name, or through a proxy, that the gateway does not know as its own.',
    next: (e) => [
      `Add the name to gateway.names: --set gateway.names=${e.serverName}. The CA is renewed where it has to be; clients then trust it anew.`,
      'Or connect by a name that the certificate has, such as localhost.',
    ],
    docs: ['docs/reference/configuration.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-left',
    area: 'tls',
    weight: 'fatal',
    title: 'The client left right after the handshake',
    on: 'tls.failed',
    when: is('left'),
    what: 'The handshake was complete on our side, and the connection ended without a request.',
    why: 'Either the client looked at the certificate only then and did not like it, or somebody in between, such as a proxy that inspects TLS, shook hands with the gateway, and the client behind it refused that one’s certificate.',
    next: [
      'Compare the issuer that the client sees with the one here: `openssl s_client -connect HOST:PORT` there, `tunnelite ca` here.',
      'Except the gateway from inspection: Microsoft Tunnel does not work through a proxy that breaks TLS.',
      ...TRUST,
    ],
    docs: ['docs/explanation/differences.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-version',
    area: 'tls',
    weight: 'fatal',
    title: 'No TLS version in common',
    on: 'tls.failed',
    when: is('version'),
    what: (e) => e.explanation,
    why: 'The client offers only versions before TLS 1.2, as old systems do.',
    next: [
      'Allow TLS 1.2 or 1.3 in the client.',
      'gateway.tls.minVersion and gateway.tls.maxVersion say what the gateway speaks.',
    ],
    docs: ['docs/reference/configuration.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-no-shared-cipher',
    area: 'tls',
    weight: 'fatal',
    title: 'No cipher suite in common',
    on: 'tls.failed',
    when: is('no-common-cipher'),
    what: (e) => e.explanation,
    why: 'What the client offers is all too old, or was restricted by its configuration.',
    next: ['Let the client offer an AES-GCM, AES-CCM or ChaCha20 suite, and one of the curves X25519 and P-256.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'tls-plain-http',
    area: 'tls',
    weight: 'fatal',
    title: 'The client spoke plain HTTP',
    on: 'tls.failed',
    when: is('plain-http'),
    what: 'It sent an HTTP request without TLS to the port of the gateway.',
    why: 'The address begins with http://, or a proxy in front ended TLS and went on without.',
    next: [
      'Use https:// in the address.',
      'A load balancer in front has to pass TLS through: tokens and DTLS keys depend on this very connection.',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'tls-ssh',
    area: 'tls',
    weight: 'fatal',
    title: 'The client spoke SSH',
    on: 'tls.failed',
    when: is('ssh'),
    what: 'It spoke SSH to the port of the gateway.',
    why: 'The client is pointed at the wrong port.',
    next: ['`tunnelite status` shows the ports.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'tls-not-tls',
    area: 'tls',
    weight: 'fatal',
    title: 'What came is not TLS',
    on: 'tls.failed',
    when: is('not-tls'),
    what: (e) => e.explanation,
    why: 'Another protocol, or another VPN: only clients that speak the AnyConnect protocol over TLS can connect.',
    next: ['Check protocol and port of the client: openconnect wants --protocol=anyconnect.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['tcp'],
  }),
  cause({
    id: 'tls-timeout',
    area: 'tls',
    weight: 'fatal',
    title: 'The TLS handshake took too long',
    on: 'tls.failed',
    when: is('timeout'),
    what: (e) => e.explanation,
    why: 'The client stopped in the middle, or its packets are lost: large ones only, where the MTU on the way is smaller than somebody thinks.',
    next: [
      'Try with smaller packets on the way (`ip link set mtu`), or from another network.',
      'Look whether the client is stopped in a debugger.',
    ],
    docs: ['docs/explanation/security.md'],
    seams: ['tcp', 'decision'],
  }),
  cause({
    id: 'tls-other',
    area: 'tls',
    weight: 'fatal',
    title: 'TLS failed otherwise',
    on: 'tls.failed',
    when: is('other'),
    what: (e) => e.explanation,
    why: 'The TLS library gives this code, which none of the usual mistakes leads to: bytes may have been changed on the way.',
    next: ['Look the code up in the documentation of OpenSSL.', 'Capture the connection, and compare both ends.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['tcp', 'decision'],
  }),
  cause({
    id: 'tls-probe',
    area: 'tls',
    weight: 'note',
    title: 'Somebody looked whether the port is open',
    on: 'tls.probe',
    what: 'It connected and left without a byte.',
    why: 'Load balancers, monitors and port scanners do that; so does a client that takes another address of the name.',
    next: ['Nothing, unless a client should have come: then it did not get as far as TLS.'],
    docs: ['docs/reference/protocol.md'],
  }),
];
