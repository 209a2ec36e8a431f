import t from 'tap';
import { skipUnless } from '../support/interop.ts';
import { CLIENT_4, GATEWAY_6, patternHash, TunnelLab } from '../support/tunnel-lab.ts';

const skip = skipUnless({ programs: ['openconnect', 'curl', 'nft'], namespaces: true, tun: true });
t.setTimeout(170_000);

/** Bytes of a download that runs while things happen, and its pace: fast enough to show a gap, slow enough to last. */
const LONG = 24_000_000;
const PACE = 2_000_000;
const SHORT = 3_000_000;

for (const acceleration of [true, false]) {
  t.test(
    `data goes over DTLS, ${acceleration ? 'accelerated' : 'on node alone'}, and every byte arrives`,
    { skip },
    async (t) => {
      await using lab = await TunnelLab.create({ acceleration });
      const client = await lab.connect();
      t.match(client.log, /Established DTLS connection.*\(DTLS1\.2\)-\(PSK\)-\(AES-256-GCM\)/);
      t.match(
        client.log,
        /No change in MTU after detection \(was 1434\)/,
        'the MTU probe was answered at its full length',
      );
      await lab.untilSwitch('dtls');
      const transfer = await lab.download(SHORT);
      t.equal(transfer.hash, await patternHash(SHORT));
      const [opened] = lab.events('channel.dtls.open');
      t.match(opened?.fields, {
        remote: new RegExp(`^${CLIENT_4}:`),
        cipher: 'TLS_PSK_WITH_AES_256_GCM_SHA384',
        mtu: 1434,
      });
      const [session] = lab.gateway.sessions();
      t.match(session, { dataChannel: 'dtls', dtlsCipher: 'TLS_PSK_WITH_AES_256_GCM_SHA384', mtu: 1434 });
      t.ok((lab.gateway.stats()['dtls.handshakesCompleted'] ?? 0) === 1);
      t.equal(await client.stop(), 0);
      t.equal(lab.events('channel.dtls.close').length, 1);
      t.equal(lab.gateway.stats().associations, 0, 'the association ended with its session');
    },
  );
}

t.test('over an IPv6 underlay', { skip }, async (t) => {
  await using lab = await TunnelLab.create({ host: GATEWAY_6 });
  const client = await lab.connect();
  await lab.untilSwitch('dtls');
  t.match(client.log, /X-CSTP-MTU: 1414/);
  t.equal((await lab.download(SHORT)).hash, await patternHash(SHORT));
  t.match(lab.events('channel.dtls.open')[0]?.fields.remote, /^\[fd00:99::2\]:\d+$/);
});

t.test(
  'UDP is dropped silently: traffic goes on over TLS, and returns to DTLS when UDP is back',
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create();
    const client = await lab.connect();
    await lab.untilSwitch('dtls');
    const download = lab.download(LONG, PACE);
    const since = lab.now;
    lab.blockUdp('silent');
    const away = await lab.untilSwitch('cstp', since);
    t.match(away.fields, { from: 'dtls', reason: /nothing was received|sent data over TLS/ });
    await client.line(/DTLS Dead Peer Detection detected dead peer/);
    // The client shakes hands anew at once, and repeats that for 12 seconds: long enough to find UDP open again.
    lab.openUdp();
    const back = await lab.untilSwitch('dtls', away.seq);
    t.match(back.fields, { from: 'cstp' });
    t.equal((await download).hash, await patternHash(LONG), 'the connection inside never noticed');
    t.equal(lab.events('session.connect').length, 1, 'the session is the same');
  },
);

t.test('UDP is blocked from the start: all goes over TLS, and a reconnect finds DTLS later', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  lab.blockUdp('silent');
  const client = await lab.connect();
  t.match(client.log, /with SSL connected and DTLS in progress/);
  t.equal((await lab.download(SHORT)).hash, await patternHash(SHORT));
  t.equal(lab.events('channel.dtls.open').length, 0);
  t.equal(lab.gateway.sessions()[0]?.dataChannel, 'cstp');
  lab.openUdp();
  const download = lab.download(SHORT * 2, PACE);
  client.child.kill('SIGUSR2');
  await lab.untilSwitch('dtls');
  t.equal((await download).hash, await patternHash(SHORT * 2));
  t.match(
    lab.events('session.connect').map((event) => event.fields.resumed),
    [false, true],
  );
});

t.test('UDP is rejected by ICMP: traffic goes on over TLS, the gateway ends nothing', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect();
  await lab.untilSwitch('dtls');
  const download = lab.download(LONG / 2, PACE);
  const since = lab.now;
  lab.blockUdp('icmp');
  const away = await lab.untilSwitch('cstp', since);
  lab.openUdp();
  client.child.kill('SIGUSR2');
  await lab.untilSwitch('dtls', away.seq);
  t.equal((await download).hash, await patternHash(LONG / 2));
});

t.test('UDP is rejected by ICMP from the start: the client stays on TLS', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  lab.blockUdp('icmp');
  const client = await lab.connect();
  t.match(client.log, /with SSL connected and DTLS (disabled|in progress)/);
  t.equal((await lab.download(SHORT)).hash, await patternHash(SHORT));
  t.equal(lab.gateway.sessions()[0]?.dataChannel, 'cstp');
});

t.test("the client's port is closed under a live association: ECONNREFUSED ends nothing", { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect('--dtls-local-port=40000');
  await lab.untilSwitch('dtls');
  lab.client.exec('nft', ['add', 'table', 'inet', 'lab']);
  lab.client.exec('nft', ['add chain inet lab in { type filter hook input priority 0; }']);
  lab.client.exec('nft', ['add rule inet lab in udp sport 4443 reject with icmp type port-unreachable']);
  const since = lab.now;
  const download = lab.download(SHORT * 2, PACE);
  await lab.untilSwitch('cstp', since);
  lab.client.exec('nft', ['delete', 'table', 'inet', 'lab']);
  await lab.untilSwitch('dtls', since);
  t.equal((await download).hash, await patternHash(SHORT * 2));
  t.ok(client.running);
  t.equal(lab.events('session.disconnect').length, 0);
});

t.test('without DTLS: by the client, and by the configuration [§5.1]', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect('--no-dtls');
  t.notMatch(client.log, /X-DTLS-Port|X-DTLS-App-ID/);
  t.equal(lab.channels.length, 0, 'no channel was offered');
  t.equal((await lab.download(SHORT)).hash, await patternHash(SHORT));
  await using closed = await TunnelLab.create({ settings: { disableUdp: true } });
  const other = await closed.connect();
  t.notMatch(other.log, /X-DTLS-Port|X-DTLS-App-ID/);
  t.equal((await closed.download(SHORT)).hash, await patternHash(SHORT));
});
