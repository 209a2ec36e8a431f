import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ExplainedTunnels } from '../support/explained-tunnels.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { start } from '../support/running-simulator.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// The channels of a stock openconnect's tunnels, sessions that a gateway with little refuses, and what is made of both.

t.setTimeout(500_000);
const skip = skipUnless({ programs: [...SOCKS_TUNNEL_PROGRAMS, 'openssl', 'bash'] });
const sim = await start(t, { gateway: { dpd: 30 } });
const folder = t.testdir();
const provokes = provoker(() => sim, skip);
const tunnels = new ExplainedTunnels(sim, folder);
const tunnelOf = (t: Test, ...args: string[]) => tunnels.open(t, ...args);

provokes(
  'channel-udp-not-asked',
  async (t) => about((await tunnelOf(t, '--no-dtls')).id),
  (t, { finding }) => t.match(finding.why, /--no-dtls/),
);
provokes('channel-small-mtu', async (t) => about((await tunnelOf(t, '--base-mtu=1200')).id));
provokes(
  'channel-udp-missing',
  async (t) => {
    const rule = sim.faults.add({ name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } });
    t.teardown(() => rule[Symbol.asyncDispose]());
    // Its script, and with that its address, comes only when it has given up on DTLS for now.
    const client = new PeerProcess('openconnect', [
      ...signInArguments({ token: await tunnels.tokenFile(), ca: join(folder, 'ca.pem') }),
      '--script-tun',
      '--script=cat >/dev/null',
      sim.urls.gateway,
    ]);
    t.teardown(() => client[Symbol.asyncDispose]());
    const since = sim.journal.mark();
    const missing = await sim.journal.waitFor({ name: 'channel.dtls.missing', since }, { timeout: 60_000 });
    const id = missing.fields.session;
    return about(id);
  },
  (t, { finding, explanation }) => {
    t.match(finding, {
      rule: 'no-udp',
      why: /^The fault rule no-udp caused this\./,
      next: ['`tunnelite fault remove no-udp`'],
    });
    t.match(
      explanation.summary,
      /data goes over TLS \(TCP\)\. However: no DTLS from the client: UDP may be blocked \(caused by the fault rule no-udp\)/,
    );
  },
);
/** A tunnel whose DTLS handshake loses one datagram on the way, and came up all the same. */
const losing = (on: object) => async (t: Test) => {
  await using _ = sim.faults.add({
    name: 'one-lost',
    on: { seam: 'udp', ...on },
    when: { times: 1 },
    then: { do: 'drop' },
  });
  const since = sim.journal.mark();
  const { id } = await tunnelOf(t);
  await sim.journal.waitFor({ name: 'channel.dtls.open', fields: { session: id }, since }, { timeout: 60_000 });
  return about(id);
};
provokes('dtls-flight-lost', losing({ direction: 'out', kind: 'handshake' }), (t, { finding, explanation }) => {
  t.match(finding, {
    what: /^Flight 4 \(ServerHello.*ServerHelloDone\) was (?:lost on the way to the client|sent 2 times).*DTLS was ready \d+ ms after/,
    rule: 'one-lost',
  });
  t.ok(explanation.steps.some(({ text }) => /^Sent in DTLS: ClientHello/.test(text)));
});
provokes('dtls-flight-lost', losing({ direction: 'in', kind: 'handshake' }), (t, { finding }) =>
  t.match(finding.what, /^Flight 4 .* was sent \d+ times\. .*(?:not received|was received from the client since)/),
);
provokes('dtls-malformed', async () => {
  await run('bash', ['-c', `echo hello > /dev/udp/127.0.0.1/${sim.gateway.port}`]);
  return about(
    (await sim.journal.waitFor({ name: 'channel.dtls.refused', fields: { reason: 'malformed' } })).fields.remote,
  );
});
provokes('dtls-unknown-session', async () => {
  const since = sim.journal.mark();
  await run('bash', [
    '-c',
    `timeout 3 openssl s_client -dtls1_2 -connect 127.0.0.1:${sim.gateway.port} -psk 00 -cipher PSK`,
  ]);
  return about((await sim.journal.waitFor({ name: 'channel.dtls.refused', since })).fields.remote);
});

// A gateway that has little
const small = await start(t, {
  gateway: { network: '169.254.77.0/30', ipv6Network: null, maxSessionsPerUser: 1, disableUdp: true },
});
const parent = t;
const provokesThere = provoker(() => small, skip);
const oneMore = async (user: string) => {
  const refused = small.journal.waitFor({ name: 'session.refused', since: small.journal.mark() });
  await SocksTunnel.open(small, await small.token({ user }), folder, ['--reconnect-timeout=1']).catch(() => {});
  return about((await refused).fields.session!);
};
provokesThere('channel-udp-off', async () => {
  const first = await SocksTunnel.open(small, await small.token(), folder);
  // It stays for those that come after it.
  parent.teardown(() => first[Symbol.asyncDispose]());
  return about(small.sessions.list()[0]!.id);
});
provokesThere('admission-user-limit', () => oneMore('alice@contoso.com'));
provokesThere('admission-pool-exhausted', () => oneMore('bob@contoso.com'));

// A gateway that notices within seconds that nothing is heard over UDP.
const watchful = await start(t, { gateway: { dpd: 3 } });
const provokesWatchful = provoker(() => watchful, skip);
provokesWatchful('channel-fell-back', async (t) => {
  const tunnel = await SocksTunnel.open(watchful, await watchful.token(), t.testdir());
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const { fields } = await watchful.journal.waitFor({ name: 'channel.switch', fields: { to: 'dtls' } });
  const id = fields.session;
  await using _ = watchful.faults.add({
    name: 'udp-lost',
    on: { seam: 'udp', session: id, direction: 'in' },
    then: { do: 'drop' },
  });
  // The client has nothing to send, with which it could be the first to return to TLS.
  await watchful.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'cstp' } }, { timeout: 90_000 });
  return about(id);
});
