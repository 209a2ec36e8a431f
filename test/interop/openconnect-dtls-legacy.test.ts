import t from 'tap';
import { skipUnless } from '../support/interop.ts';
import { patternHash, TunnelLab } from '../support/tunnel-lab.ts';

const skip = skipUnless({ programs: ['openconnect', 'curl'], namespaces: true, tun: true });
const SIZE = 2_000_000;

// The client's option, what we answer, what the client then reports (transcripts 19 to 21).
const variants = [
  [
    '--dtls-ciphers=OC-DTLS1_2-AES128-GCM',
    'X-DTLS-CipherSuite: OC-DTLS1_2-AES128-GCM',
    /\(DTLS1\.2\)-\(RSA\)-\(AES-128-GCM\)/,
  ],
  [
    '--dtls-ciphers=OC-DTLS1_2-AES256-GCM',
    'X-DTLS-CipherSuite: OC-DTLS1_2-AES256-GCM',
    /\(DTLS1\.2\)-\(RSA\)-\(AES-256-GCM\)/,
  ],
  [
    '--dtls12-ciphers=AES128-GCM-SHA256',
    'X-DTLS12-CipherSuite: AES128-GCM-SHA256',
    /\(DTLS1\.2\)-\(RSA\)-\(AES-128-GCM\)/,
  ],
  [
    '--dtls12-ciphers=AES256-GCM-SHA384',
    'X-DTLS12-CipherSuite: AES256-GCM-SHA384',
    /\(DTLS1\.2\)-\(RSA\)-\(AES-256-GCM\)/,
  ],
  [
    '--dtls12-ciphers=ECDHE-RSA-AES128-GCM-SHA256',
    'X-DTLS12-CipherSuite: ECDHE-RSA-AES128-GCM-SHA256',
    /\(DTLS1\.2\)-\(ECDHE-RSA\)-\(AES-128-GCM\)/,
  ],
  [
    '--dtls12-ciphers=ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256',
    'X-DTLS12-CipherSuite: ECDHE-RSA-AES256-GCM-SHA384',
    /\(DTLS1\.2\)-\(ECDHE-RSA\)-\(AES-256-GCM\)/,
  ],
] as const;

for (const [option, answer, suite] of variants) {
  t.test(`legacy DTLS with ${option}: the "resumed" session carries data [§7.3]`, { skip }, async (t) => {
    await using lab = await TunnelLab.create();
    // Without naming the other list too, the client offers PSK there.
    const other = option.startsWith('--dtls12')
      ? '--dtls-ciphers=DHE-RSA-AES128-SHA'
      : '--dtls12-ciphers=DHE-RSA-AES128-SHA';
    const client = await lab.connect(option, other);
    await lab.untilSwitch('dtls');
    t.match(client.log, answer);
    t.match(client.log, /X-DTLS-Session-ID: [0-9a-f]{64}/);
    t.match(client.log, /X-DTLS-MTU: 1434/);
    t.notMatch(client.log, /X-DTLS-App-ID/);
    t.match(client.log, suite);
    t.equal((await lab.download(SIZE)).hash, await patternHash(SIZE));
    t.equal(lab.gateway.sessions()[0]?.dataChannel, 'dtls');
  });
}

t.test('no common suite: no cipher is answered, the client stays on TLS (transcript 23)', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect('--dtls-ciphers=DHE-RSA-AES128-SHA', '--dtls12-ciphers=DHE-RSA-AES128-SHA');
  t.notMatch(client.log, /X-DTLS(12)?-CipherSuite: (?!.*DHE-RSA)/);
  t.equal((await lab.download(SIZE)).hash, await patternHash(SIZE));
  t.equal(lab.channels.length, 0);
});

t.test('TLS 1.2 on the control connection: the exporter gives both the same key [§7.2]', { skip }, async (t) => {
  await using lab = await TunnelLab.create({ tls: { maxVersion: 'TLSv1.2' } });
  const client = await lab.connect();
  await lab.untilSwitch('dtls');
  t.match(client.log, /Connected to HTTPS on .* \(TLS1\.2\)/);
  t.equal((await lab.download(SIZE)).hash, await patternHash(SIZE));
});

for (const [name, ciphers, suite, mtu] of [
  ['CBC only', '+AES-256-CBC:-VERS-TLS1.3', 'TLS_PSK_WITH_AES_256_CBC_SHA', 1406],
  ['ChaCha20 only', '+CHACHA20-POLY1305', 'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256', 1442],
] as const) {
  t.test(`a client with ${name} gets DTLS with what it has, and an MTU of ${mtu} [§5.4]`, { skip }, async (t) => {
    await using lab = await TunnelLab.create();
    const client = await lab.connect(`--gnutls-priority=NORMAL:-CIPHER-ALL:${ciphers}`);
    await lab.untilSwitch('dtls');
    t.match(client.log, new RegExp(`X-CSTP-MTU: ${mtu}`));
    t.match(lab.events('channel.dtls.open')[0]?.fields, { cipher: suite, mtu });
    t.equal((await lab.download(SIZE)).hash, await patternHash(SIZE));
  });
}
