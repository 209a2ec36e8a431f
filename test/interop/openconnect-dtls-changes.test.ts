import t from 'tap';
import type { DtlsDataChannel } from '../../src/gateway/data/dtls-data-channel.ts';
import { skipUnless } from '../support/interop.ts';
import { CLIENT_4, CLIENT_4_OTHER, patternHash, TunnelLab } from '../support/tunnel-lab.ts';

const skip = skipUnless({ programs: ['openconnect', 'curl', 'nft'], namespaces: true, tun: true });
t.setTimeout(170_000);

const PACE = 2_000_000;
const LONG = 16_000_000;
const LOCAL_PORT = 40_000;

/**
 * Gives the client's datagrams another source, as a NAT does that forgot its mapping, and takes the answers to it back.
 */
function rewriteSource(lab: TunnelLab, change: { port?: number; address?: string }): void {
  const nft = (rule: string) => lab.client.exec('nft', [rule]);
  nft('add table ip lab');
  nft('add chain ip lab out { type filter hook output priority 300; }');
  nft('add chain ip lab in { type filter hook prerouting priority -300; }');
  const { port, address } = change;
  nft(
    `add rule ip lab out udp dport 4443 ${address ? `ip saddr set ${address}` : ''} ${port ? `udp sport set ${port}` : ''}`,
  );
  nft(
    `add rule ip lab in udp sport 4443 udp dport ${port ?? LOCAL_PORT} ${address ? `ip daddr set ${CLIENT_4}` : ''} udp dport set ${LOCAL_PORT}`,
  );
}

for (const [what, change, moved] of [
  ['port', { port: 45_678 }, `${CLIENT_4}:45678`],
  ['address', { address: CLIENT_4_OTHER }, `${CLIENT_4_OTHER}:${LOCAL_PORT}`],
] as const) {
  t.test(
    `a NAT changes the client's ${what}: the association moves with it, within one packet`,
    { skip },
    async (t) => {
      await using lab = await TunnelLab.create();
      const client = await lab.connect(`--dtls-local-port=${LOCAL_PORT}`);
      await lab.untilSwitch('dtls');
      const download = lab.download(LONG / 2, PACE);
      rewriteSource(lab, change);
      const move = await lab.until('channel.dtls.move');
      t.match(move.fields, { from: `${CLIENT_4}:${LOCAL_PORT}`, to: moved });
      t.equal((await download).hash, await patternHash(LONG / 2));
      t.equal(lab.channel.remote, moved);
      t.equal(lab.events('channel.dtls.open').length, 1, 'no second handshake was needed');
      t.notMatch(client.log, /Dead Peer/);
    },
  );
}

t.test(
  "the client's own address goes away: it comes back from another one, the connection inside lives on",
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create();
    await lab.connect();
    await lab.untilSwitch('dtls');
    const download = lab.download(LONG, PACE);
    const since = lab.now;
    // The other address takes the first one's place at once: a moment without any would put the client's DTLS off for a minute.
    lab.client.exec('sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
    lab.client.ip('addr', 'del', `${CLIENT_4}/24`, 'dev', lab.link.right);
    const again = await lab.until('session.connect', (event) => event.seq > since, 30_000);
    t.match(again.fields, { resumed: true, address4: '192.168.77.2' });
    t.match(again.fields.remote, new RegExp(`^${CLIENT_4_OTHER}:`));
    await lab.untilSwitch('dtls', again.seq);
    t.equal((await download).hash, await patternHash(LONG));
  },
);

t.test(
  'the TCP connection is reset under a live association: the client resumes, on both channels',
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create();
    await lab.connect();
    await lab.untilSwitch('dtls');
    const remote = lab.events('channel.cstp.open')[0]!.fields.remote;
    const download = lab.download(LONG / 2, PACE);
    const since = lab.now;
    lab.server.exec('nft', ['add', 'table', 'inet', 'lab']);
    lab.server.exec('nft', ['add chain inet lab in { type filter hook input priority 0; }']);
    lab.server.exec('nft', [`add rule inet lab in tcp sport ${remote.split(':')[1]} reject with tcp reset`]);
    const again = await lab.until('session.connect', (event) => event.seq > since, 30_000);
    t.equal(again.fields.resumed, true);
    await lab.untilSwitch('dtls', again.seq);
    t.equal((await download).hash, await patternHash(LONG / 2));
    t.equal(lab.gateway.sessions().length, 1);
    t.not(lab.channels[0], lab.channels[1], 'with a new App-ID');
  },
);

t.test(
  'rekey by new-tunnel: new connection, new App-ID, new keys, the same connection inside [§10]',
  { skip },
  async (t) => {
    await using lab = await TunnelLab.create({ settings: { rekeyTime: 4 } });
    const client = await lab.connect();
    await lab.untilSwitch('dtls');
    const download = lab.download(LONG, PACE);
    t.match(client.log, /X-CSTP-Rekey-Method: new-tunnel/);
    t.notMatch(client.log, /X-DTLS-Rekey-Method/);
    const again = await lab.until('session.connect', (event) => event.fields.resumed);
    await lab.untilSwitch('dtls', again.seq);
    t.equal((await download).hash, await patternHash(LONG));
    const ids = lab.channels.map((channel) => (channel as DtlsDataChannel).key);
    t.ok(ids.length >= 2);
    t.equal(new Set(ids).size, ids.length, 'each tunnel had an App-ID of its own');
  },
);

t.test('the gateway closes the association: the client shakes hands again at once', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  await lab.connect();
  await lab.untilSwitch('dtls');
  const download = lab.download(LONG / 2, PACE);
  lab.channel.closeAssociation();
  const closed = await lab.until('channel.dtls.close');
  t.match(closed.fields.reason, /local/);
  await lab.untilSwitch('dtls', closed.seq);
  t.equal((await download).hash, await patternHash(LONG / 2));
  t.equal(lab.channels.length, 1, 'with the same App-ID');
});

t.test('an administrator ends the session: both channels end, the client leaves', { skip }, async (t) => {
  await using lab = await TunnelLab.create();
  const client = await lab.connect();
  await lab.untilSwitch('dtls');
  t.ok(lab.gateway.disconnect(lab.gateway.sessions()[0]!.id));
  await client.line(/terminated by server|Session terminated/);
  t.equal(await client.stop(), 1);
  t.equal(lab.gateway.stats().associations, 0);
  t.equal(lab.gateway.stats().channels, 0);
});
