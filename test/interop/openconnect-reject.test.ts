import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { type Simulator, startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { quickOpenconnect } from '../support/quick-openconnect.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// UDP that is rejected: the system answers with ICMP "port unreachable", as the kernel and openconnect see it.

t.setTimeout(200_000);
const WHOAMI = 'http://intranet.contoso.internal/whoami';

async function running(t: Test, config: object = {}) {
  const sim = await startSimulator({ gateway: { dpd: 3 }, ...config });
  t.teardown(() => sim.close());
  return sim;
}

/** What a connected UDP socket is told by the kernel when it sends; undefined: its datagram has come to the gateway. */
async function kernelSays({ gateway }: Simulator): Promise<string | undefined> {
  const { port } = gateway;
  const received = () => gateway.stats()['udp.received'] ?? 0;
  const before = received();
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let said: string | undefined;
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      said = cause.code;
    });
    socket.send(Buffer.alloc(20));
    while (said === undefined && received() === before) await new Promise((resolve) => setImmediate(resolve));
    return said;
  } finally {
    socket.close();
  }
}

t.test('the kernel answers for the port while the rule is there, and only then', async (t) => {
  const sim = await running(t);
  t.equal(await kernelSays(sim), undefined);
  for (let i = 0; i < 2; i++) {
    const rule = sim.faults.add({ on: { seam: 'udp' }, then: { do: 'reject' } });
    await rule.struck();
    t.equal(await kernelSays(sim), 'ECONNREFUSED');
    t.strictSame([rule.seen(), rule.hits()], [1, 1]);
    rule.remove();
    await sim.gateway.openUdp(true);
    t.equal(await kernelSays(sim), undefined, 'the same port is open again');
  }
  const rules = [1, 2].map(() => sim.faults.add({ on: { seam: 'udp' }, then: { do: 'reject' } }));
  await Promise.all(rules.map((rule) => rule.struck()));
  rules[0]!.remove();
  t.equal(await kernelSays(sim), 'ECONNREFUSED', 'as long as one of them is there');
  await sim.gateway.restart();
  t.equal(await kernelSays(sim), 'ECONNREFUSED', 'after a restart too');
  await sim.reset();
  await sim.gateway.openUdp(true);
  t.equal(await kernelSays(sim), undefined);
});

t.test('a port that somebody else has taken meanwhile is told, and taken as soon as it is free', async (t) => {
  const sim = await running(t);
  const { port } = sim.gateway;
  const rule = sim.faults.add({ on: { seam: 'udp' }, then: { do: 'reject' } });
  await rule.struck();
  const thief = createSocket('udp4');
  thief.bind(port, '127.0.0.1');
  await once(thief, 'listening');
  rule.remove();
  const { fields } = await sim.journal.waitFor({ name: 'fault.limit' });
  t.match(fields, { rule: 'udp-reject', explanation: /could not be opened again.*EADDRINUSE/ });
  await new Promise<void>((resolve) => thief.close(() => resolve()));
  await sim.gateway.openUdp(true);
  t.equal(await kernelSays(sim), undefined);
});

t.test('a rule that selects cannot reject, and says why; without UDP there is nothing to reject', async (t) => {
  const sim = await running(t, { gateway: { disableUdp: true } });
  const then = { do: 'reject' } as const;
  for (const on of [{ direction: 'in' }, { remote: '127.0.0.1' }, { kind: 'client-hello' }, { user: 'alice' }]) {
    t.throws(() => sim.faults.add({ on: { seam: 'udp', ...on } as { seam: 'udp' }, then }), {
      code: 'ERR_FAULT_RULE',
      message: /reject closes the UDP port for all clients and datagrams: it cannot select by .*Use drop/,
    });
  }
  t.throws(() => sim.faults.add({ on: { seam: 'udp' }, when: { chance: 0.5 }, then }), /cannot select by chance/);
  const rule = sim.faults.add({ on: { seam: 'udp' }, then });
  t.match(rule.status.notes, [/UDP is turned off/]);
  rule.remove();
  t.equal(rule.hits(), 0);
});

t.test(
  'openconnect falls back to TLS, and comes back',
  { skip: skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS }) },
  async (t) => {
    quickOpenconnect(t);
    const sim = await running(t);
    await using tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
    await sim.journal.waitFor({ name: 'channel.dtls.open' }, { timeout: 60_000 });
    const mark = sim.journal.mark();
    const rule = sim.faults.add({ on: { seam: 'udp' }, then: { do: 'reject' } });
    await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' }, since: mark }, { timeout: 60_000 });
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'over TLS');
    const freed = sim.journal.mark();
    rule.remove();
    await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'dtls' }, since: freed }, { timeout: 120_000 });
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'over DTLS');
  },
);
