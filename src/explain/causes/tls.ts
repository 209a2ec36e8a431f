import { type Cause, cause } from '../visit/cause.ts';
import type { Fields } from '../visit/visit.ts';

const TRUST = [
  'Give the client the CA of this instance: `tunnelite ca` shows its path, and https://HOST:PORT/ca.pem serves it.',
  'With openconnect use --cafile, with curl --cacert; on a phone, install and trust it: docs/how-to/connect-a-phone.md.',
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
    why: 'It does not know the CA that signed the certificate. Each instance has its own CA, which no system trusts by default.',
    next: TRUST,
    docs: ['certs/README.md', 'docs/how-to/connect-a-phone.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-broken-off',
    area: 'tls',
    weight: 'fatal',
    title: 'The client aborted the handshake without an alert',
    on: 'tls.failed',
    when: is('broken-off'),
    what: (e) => `${by(e)} ${e.reason === 'reset' ? 'reset' : 'closed'} the connection during the TLS handshake.`,
    why: 'A client that asks its user first, as openconnect does, aborts like this when the CA is not trusted and the user does not accept it.',
    next: [...TRUST, 'If it trusts the CA, check its log: it may have been stopped, or reached its own time limit.'],
    docs: ['certs/README.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-refused-certificate',
    area: 'tls',
    weight: 'fatal',
    title: 'The client refuses the certificate without a reason',
    on: 'tls.failed',
    when: is('unknown'),
    what: (e) =>
      `${by(e)} refused the gateway’s certificate with the alert certificate_unknown, which gives no reason.`,
    why: 'Browsers and Android send it in all cases: the CA is not trusted, or a restriction of the CA, such as its name constraints, forbids the certificate.',
    next: [
      ...TRUST,
      'If the CA is trusted, examine the certificate with `openssl s_client -connect HOST:PORT -showcerts`.',
    ],
    docs: ['certs/README.md', 'docs/how-to/connect-a-phone.md'],
    seams: ['decision', 'tcp'],
  }),
  cause({
    id: 'tls-constraints',
    area: 'tls',
    weight: 'fatal',
    title: 'The client does not accept this kind of certificate',
    on: 'tls.failed',
    when: is('constraints'),
    what: (e) =>
      `${by(e)} refused the gateway’s certificate as one for another purpose (alert unsupported_certificate).`,
    why: 'It checked an extension of the certificate or of its CA: the purpose, or name constraints, which old libraries often do not support.',
    next: [
      'Configure the client to check for the purpose of a TLS server.',
      'With your own certificate (gateway.tls.certFile), compare its extended key usage and the name constraints of its CA.',
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
    what: (e) => `${by(e)} reported that the gateway’s certificate has expired.`,
    why: 'It has expired by the client’s clock. The certificate is renewed before it expires, so the clock of the client or of the simulator is wrong.',
    next: [
      'Compare the client’s clock with that of this machine.',
      '`tunnelite clock` shows whether the simulator’s clock was moved.',
    ],
    docs: ['docs/how-to/testing.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-name',
    area: 'tls',
    weight: 'fatal',
    title: 'The client uses a name that is not in the certificate',
    on: 'tls.failed',
    when: is('name'),
    what: (e) => `The client requested ${e.serverName}, which is not in the gateway’s certificate.`,
    why: 'It uses a name of the gateway, or of a proxy, that is not configured.',
    next: (e) => [
      `Add the name to gateway.names: --set gateway.names=${e.serverName}. The CA is renewed if necessary; clients must then trust the new one.`,
      'Or connect with a name in the certificate, such as localhost.',
    ],
    docs: ['docs/reference/configuration.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'tls-left',
    area: 'tls',
    weight: 'fatal',
    title: 'The client closed the connection right after the handshake',
    on: 'tls.failed',
    when: is('left'),
    what: 'The handshake was complete for the gateway, and the connection closed without a request.',
    why: 'Either the client checked the certificate only then and refused it, or a proxy that inspects TLS made the handshake with the gateway, and the client refused the proxy’s certificate.',
    next: [
      'Compare the issuer that the client sees with this CA: run `openssl s_client -connect HOST:PORT` there and `tunnelite ca` here.',
      'Exclude the gateway from inspection: Microsoft Tunnel does not work through a proxy that terminates TLS.',
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
    why: 'The client offers only versions before TLS 1.2, like old systems.',
    next: [
      'Enable TLS 1.2 or 1.3 in the client.',
      'gateway.tls.minVersion and gateway.tls.maxVersion set the versions of the gateway.',
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
    why: 'All cipher suites that the client offers are too old, or its configuration restricts them.',
    next: [
      'Configure the client to offer an AES-GCM, AES-CCM or ChaCha20 suite, and one of the curves X25519 and P-256.',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'tls-plain-http',
    area: 'tls',
    weight: 'fatal',
    title: 'The client sent plain HTTP',
    on: 'tls.failed',
    when: is('plain-http'),
    what: 'It sent an HTTP request without TLS to the gateway’s port.',
    why: 'The address begins with http://, or a proxy in front of the gateway terminated TLS.',
    next: [
      'Use https:// in the address.',
      'A load balancer must pass TLS through: tokens and DTLS keys are bound to this connection.',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'tls-ssh',
    area: 'tls',
    weight: 'fatal',
    title: 'The client sent SSH',
    on: 'tls.failed',
    when: is('ssh'),
    what: 'It sent SSH to the gateway’s port.',
    why: 'The client uses the wrong port.',
    next: ['`tunnelite status` shows the ports.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'tls-not-tls',
    area: 'tls',
    weight: 'fatal',
    title: 'The client did not send TLS',
    on: 'tls.failed',
    when: is('not-tls'),
    what: (e) => e.explanation,
    why: 'It uses another protocol or another VPN: only clients with the AnyConnect protocol over TLS can connect.',
    next: ['Check the client’s protocol and port: openconnect needs --protocol=anyconnect.'],
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
    why: 'The client stopped during the handshake, or its packets are lost. If only large ones are lost, the MTU of the path is smaller than expected.',
    next: [
      'Try a smaller MTU (`ip link set mtu`), or another network.',
      'Check whether the client is stopped in a debugger.',
    ],
    docs: ['docs/explanation/security.md'],
    seams: ['tcp', 'decision'],
  }),
  cause({
    id: 'tls-other',
    area: 'tls',
    weight: 'fatal',
    title: 'TLS failed for another reason',
    on: 'tls.failed',
    when: is('other'),
    what: (e) => e.explanation,
    why: 'None of the common errors causes this code of the TLS library; bytes may have been modified on the way.',
    next: ['Look up the code in the documentation of OpenSSL.', 'Capture the connection, and compare both ends.'],
    docs: ['docs/reference/protocol.md'],
    seams: ['tcp', 'decision'],
  }),
  cause({
    id: 'tls-probe',
    area: 'tls',
    weight: 'note',
    title: 'A client checked whether the port is open',
    on: 'tls.probe',
    what: 'It connected and closed without sending a byte.',
    why: 'Load balancers, monitors and port scanners do that, and so does a client that chooses another address of the name.',
    next: ['Nothing, unless you expected a client: then it did not start TLS.'],
    docs: ['docs/reference/protocol.md'],
  }),
];
