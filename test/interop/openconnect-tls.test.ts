import { createHash } from 'node:crypto';
import t from 'tap';
import { skipUnless } from '../support/interop.ts';
import { INNER_SERVER, patternBytes, patternHash, TunnelLab } from '../support/tunnel-lab.ts';

const skip = skipUnless({ programs: ['openconnect', 'curl', 'nft', 'ping'], namespaces: true, tun: true });
t.setTimeout(170_000);

const MANY = 50_000_000;
const FEW = 2_000_000;

/** Pings through the tunnel; the number of answers. */
async function ping(lab: TunnelLab, address: string, count = 3): Promise<number> {
  const output = await lab.client.output('ping', ['-c', String(count), '-i', '0.2', '-W', '2', address]);
  return Number(/(\d+) received/.exec(output.stdout.toString())?.[1] ?? 0);
}

t.test(
  'over TLS alone: addresses, routes and names arrive, ping works, 50 MB arrive byte for byte',
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create({
      settings: {
        ipv6Network: 'fd00:77::/64',
        dnsServers: ['192.168.77.1'],
        defaultDomain: 'contoso.internal',
        splitDns: ['contoso.internal'],
        routesInclude: ['192.168.99.0/24', '192.168.77.0/24', 'fd00:99:99::/64'],
        routesExclude: ['192.168.99.64/26'],
        sessionTimeout: 3600,
        banner: 'Welcome to the lab',
      },
    });
    const client = await lab.connect('--no-dtls');
    t.match(client.log, /Attempting HTTP Bearer authentication to server/);
    t.match(client.log, /Configured as 192\.168\.77\.2 \+ fd00:77::2\/128, with SSL connected and DTLS disabled/);
    t.match(client.log, /CSTP connected\. DPD 2, Keepalive 20/);
    t.match(client.log, /X-CSTP-Banner: Welcome to the lab/);
    t.match(client.log, /Session authentication will expire at/);
    t.match(lab.client.ip('route'), /192\.168\.99\.0\/24 dev tun-lab/);
    t.match(
      lab.client.ip('addr', 'show', 'tun-lab'),
      /mtu 1472[\s\S]*inet 192\.168\.77\.2\/32[\s\S]*inet6 fd00:77::2\/128/,
    );
    t.equal(await ping(lab, INNER_SERVER), 3);
    const transfer = await lab.download(MANY);
    t.equal(transfer.hash, await patternHash(MANY));
    t.comment(`${((transfer.bytes * 8) / transfer.seconds / 1e6).toFixed(0)} Mbit/s down`);
    t.notMatch(client.log, /Unexpected packet length|Short packet|Unknown packet/);
    const [session] = lab.gateway.sessions();
    t.match(session, { state: 'connected', username: 'alice', dataChannel: 'cstp', hostname: 'client', mtu: 1472 });
    t.equal(await client.stop(), 0);
    const left = await lab.until('session.disconnect');
    t.match(left.fields, { reason: 'user', explanation: /Aborted by caller/ });
    t.strictSame(lab.gateway.sessions(), [], 'the address is free again');
  },
);

t.test('50 MB up arrive byte for byte', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  await lab.connect('--no-dtls');
  const chunks: Buffer[] = [];
  for await (const chunk of patternBytes(MANY)) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const output = await lab.client.output(
    'curl',
    ['-sS', '-H', 'Expect:', '--data-binary', '@-', `http://${INNER_SERVER}/hash`],
    { input: body },
  );
  t.equal(output.stdout.toString(), createHash('sha256').update(body).digest('hex'), output.stderr);
});

t.test('TLS 1.2 carries it as well', { skip }, async (t) => {
  await using lab = await TunnelLab.create({ tls: { maxVersion: 'TLSv1.2' } });
  const client = await lab.connect('--no-dtls');
  t.match(client.log, /\(TLS1\.2\)/);
  t.equal((await lab.download(FEW)).hash, await patternHash(FEW));
  t.notMatch(client.log, /Unexpected packet length|Short packet/);
});

t.test('after a TCP reset the client comes back with its cookie and has the same address', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect('--no-dtls');
  t.equal(await ping(lab, INNER_SERVER), 3);
  const before = lab.now;
  lab.server.exec('nft', ['add', 'table', 'inet', 'lab']);
  lab.server.exec('nft', ['add chain inet lab in { type filter hook input priority 0; }']);
  lab.server.exec('nft', ['add rule inet lab in tcp dport 4443 reject with tcp reset']);
  void ping(lab, INNER_SERVER, 2);
  await client.line(/Attempting to connect to server[\s\S]*Attempting to connect|SSL (read|write) error|reconnect/i);
  lab.server.exec('nft', ['delete', 'table', 'inet', 'lab']);
  const back = await lab.until('session.connect', (event) => event.seq > before, 40_000);
  t.match(back.fields, { resumed: true, address4: '192.168.77.2' });
  t.equal(await ping(lab, INNER_SERVER), 3);
  t.equal(client.running, true);
});

t.test('rekey by a new tunnel keeps session and addresses', { skip }, async (t) => {
  await using lab = await TunnelLab.create({ settings: { rekeyTime: 3 } });
  const client = await lab.connect('--no-dtls');
  const first = lab.now;
  const again = await lab.until('session.connect', (event) => event.seq > first);
  t.match(again.fields, { resumed: true, address4: '192.168.77.2' });
  t.equal(await ping(lab, INNER_SERVER), 3);
  t.notMatch(client.log, /Reconnect gave different/);
  t.equal(lab.gateway.sessions().length, 1);
});

t.test('an administrator, the session limit and the idle limit end the client, which says so', { skip }, async (t) => {
  {
    await using lab = await TunnelLab.create();
    const client = await lab.connect('--no-dtls');
    t.equal(lab.gateway.disconnect(lab.gateway.sessions()[0]!.id), true);
    await client.line(/terminated by server/);
    t.equal(await client.stop(), 1);
  }
  for (const [settings, reason] of [
    [{ sessionTimeout: 3 }, 'session-timeout'],
    [{ idleTimeout: 3 }, 'idle'],
  ] as const) {
    await using lab = await TunnelLab.create({ settings });
    const client = await lab.connect('--no-dtls');
    await client.line(/terminated by server/);
    t.match((await lab.until('session.disconnect')).fields, { reason });
    t.equal(await client.stop(), 1, reason);
  }
});

t.test(
  '--authenticate gives a cookie that a second run connects with; a made-up one is rejected',
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create();
    const client = lab.start('--no-dtls', '--authenticate');
    t.equal(await client.ended, 0);
    const cookie = /^COOKIE='(.*)'$/m.exec(client.log)?.[1];
    t.match(cookie, /webvpn=[A-Za-z0-9+/]{43}$/);
    const second = await lab.connect('--no-dtls', `--cookie=${cookie}`);
    t.equal(lab.events('auth.accepted').length, 1, 'no second login');
    t.equal(await ping(lab, INNER_SERVER), 3);
    await second.stop();
    const bare = lab.start('--no-dtls', `--cookie=${'A'.repeat(43)}`);
    t.equal(await bare.ended, 2);
    t.match(bare.log, /Cookie was rejected by server/);
  },
);

t.test('--os=android and --os=apple-ios are served with the mobile timers', { skip }, async (t) => {
  for (const os of ['android', 'apple-ios']) {
    await using lab = await TunnelLab.create({ settings: { mobileDpd: 17 } });
    const client = await lab.connect('--no-dtls', `--os=${os}`);
    t.match(client.log, /X-CSTP-DPD: 17/);
    t.match(lab.gateway.sessions()[0], { devicePlatform: os });
    t.equal(await ping(lab, INNER_SERVER), 3);
  }
});

t.test('an old agent name gets along too', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  await lab.connect('--no-dtls', '--useragent=Open AnyConnect VPN Agent v3.99');
  t.equal(await ping(lab, INNER_SERVER), 3);
});

t.test('a client that may not use Bearer gives up', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = lab.start('--no-dtls', '--http-auth=Negotiate');
  t.equal(await client.ended, 1);
  t.match(client.log, /No more authentication methods to try/);
  t.ok(lab.events('auth.challenge').length > 0);
});

t.test(
  'without root: ocproxy brings the tunnel to a SOCKS port',
  { skip: skip || skipUnless({ programs: ['ocproxy'] }) },
  async (t) => {
    await using lab = await TunnelLab.create();
    const client = lab.start('--no-dtls', '--script-tun', '--script=ocproxy -D 11080');
    await lab.until('session.connect');
    const output = await lab.client.output('curl', [
      '-sS',
      '--retry',
      '20',
      '--retry-delay',
      '1',
      '--retry-all-errors',
      '--socks5',
      '127.0.0.1:11080',
      `http://${INNER_SERVER}/bytes/${FEW}`,
    ]);
    t.equal(createHash('sha256').update(output.stdout).digest('hex'), await patternHash(FEW), output.stderr);
    await client.stop();
  },
);

t.test('a client that does not know the CA is told apart in the log', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = lab.start('--no-dtls', '--cafile=/etc/hostname');
  await client.ended;
  const failed = await lab.until('tls.failed');
  t.match(failed.fields.explanation, /certificate/);
});
