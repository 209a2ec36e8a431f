import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ExplainedTunnels } from '../support/explained-tunnels.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { start } from '../support/running-simulator.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// What becomes of the tunnels of a stock openconnect, and of what goes through them, and what is made of it.

t.setTimeout(500_000);
const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });
const sim = await start(t, {
  gateway: { dpd: 30, idleTimeout: 7200, sessionTimeout: 36_000 },
  resources: {
    upstreams: [
      { match: 'refused.contoso.internal', ports: [80], to: { host: '127.0.0.1', port: 1 } },
      { match: 'lost.contoso.internal', ports: [80], to: { host: 'nosuch.invalid', port: 80 } },
      { match: '0.0.0.0/0', ports: [82] },
    ],
  },
});
const folder = t.testdir();
const provokes = provoker(() => sim, skip);
const tunnels = new ExplainedTunnels(sim, folder);
const tunnelOf = (t: Test, ...args: string[]) => tunnels.open(t, ...args);

/** One tunnel for what goes through it. */
const shared = skip ? undefined : await SocksTunnel.open(sim, await sim.token(), folder);
t.teardown(() => shared?.[Symbol.asyncDispose]());
const own = skip ? '' : tunnels.last();
const fetching = (url: string) => async () => {
  await shared!.fetch(url).catch(() => {});
  return about(own);
};
/** The same for what gets no answer. */
const asking = (url: string) => async (t: Test) => {
  shared!.askFor(t, url);
  return about(own);
};

// What goes through
provokes('dns-outside', fetching('http://www.example.com/'), (t, { finding, explanation }) => {
  t.match(finding, { what: /www\.example\.com/, why: /split rules/ });
  t.match(explanation, { outcome: 'connected', client: { kind: 'openconnect', library: 'GnuTLS' } });
});
provokes('dns-no-such-name', fetching('http://nosuch.contoso.internal/'));
provokes(
  'dns-made-wrong',
  async () => {
    await using _ = sim.faults.add({ name: 'no-names', on: { seam: 'dns' }, then: { do: 'nxdomain' } });
    return await fetching('http://intranet.contoso.internal/')();
  },
  (t, { finding }) => t.equal(finding.rule, 'no-names'),
);
provokes('resource-default-deny', asking('http://10.20.9.9/'), (t, { finding }) =>
  t.match(finding.what, /by the rule default-deny/),
);
provokes('resource-closed-port', fetching('http://10.20.0.10:81/'));
provokes('resource-special-address', asking('http://169.254.169.254:82/'));
provokes('resource-refused', fetching('http://refused.contoso.internal/'));
provokes('resource-unreachable', asking('http://lost.contoso.internal/'));
provokes('resource-denied', async (t) => {
  await sim.resources.add({
    match: 'own.contoso.internal',
    ports: [80],
    to: { host: '127.0.0.1', port: sim.gateway.port },
  });
  return asking('http://own.contoso.internal/')(t);
});
provokes('resource-removed-upstream', async () => {
  const { id } = await sim.resources.add({ match: '10.20.8.8', ports: [80], to: { host: '127.0.0.1', port: 1 } });
  sim.resources.remove(id);
  return fetching('http://10.20.8.8/')();
});
provokes(
  'resource-fault',
  async () => {
    await using _ = sim.faults.add({
      name: 'no-resources',
      on: { seam: 'decision', kind: 'resource' },
      then: { do: 'refuse' },
    });
    return await fetching('http://10.20.0.10/')();
  },
  (t, { finding }) => t.equal(finding.rule, 'no-resources'),
);
provokes('resource-broken', async () => {
  await using _ = sim.faults.add({ on: { seam: 'decision', kind: 'resource' }, then: { do: 'reset', bytes: 1000 } });
  return await fetching('http://10.20.0.10/bytes/1000000')();
});

provokes(
  'fault-injected',
  async () => {
    await using _ = sim.faults.add({
      name: 'slow',
      on: { seam: 'decision', kind: 'resource' },
      then: { do: 'delay', ms: 1 },
    });
    return await fetching('http://10.20.0.10/')();
  },
  (t, { finding }) => t.match(finding.what, /The fault rule slow struck \(decision: delay\)\./),
);

// Ends
provokes(
  'end-user',
  async (t) => {
    const { tunnel, id } = await tunnelOf(t, '--no-dtls');
    tunnel.signal('SIGINT');
    await tunnel.ended;
    return about(id);
  },
  (t, { explanation }) => t.match(explanation, { outcome: 'ended', summary: /has ended: the client disconnected/ }),
);
provokes('end-connection-lost', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  tunnel.signal('SIGKILL');
  await tunnel.ended;
  return about(id);
});
provokes('end-admin', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  sim.sessions.disconnect(id);
  await tunnel.ended;
  return about(id);
});
provokes(
  'end-rekey',
  async (t) => {
    const { id } = await tunnelOf(t, '--no-dtls');
    sim.sessions.rekey(id);
    await sim.journal.waitFor({ name: 'session.connect', fields: { session: id, resumed: true } }, { timeout: 60_000 });
    return about(id);
  },
  (t, { finding, explanation }) => t.match([finding.what, explanation.outcome], [/It reconnected\.$/, 'connected']),
);
provokes('end-replaced', async (t) => {
  const said = await run('openconnect', [
    ...signInArguments({ token: await tunnels.tokenFile(), ca: join(folder, 'ca.pem') }),
    '--authenticate',
    sim.urls.gateway,
  ]);
  const [, cookie = ''] = /COOKIE='([^']+)'/.exec(said) ?? [];
  const again = () => SocksTunnel.open(sim, 'unused', folder, [`--cookie=${cookie}`]);
  const [one, two] = [await again(), await again()];
  t.teardown(() => Promise.all([one, two].map((each) => each[Symbol.asyncDispose]())));
  return about(tunnels.last());
});
provokes('end-restart', async (t) => {
  const { id } = await tunnelOf(t, '--no-dtls');
  await sim.gateway.restart();
  return about(id);
});
provokes('end-dpd', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  tunnel.signal('SIGSTOP');
  await sim.clock.advance('90s');
  tunnel.signal('SIGCONT');
  return about(id);
});
provokes('end-idle', async (t) => {
  const { id } = await tunnelOf(t, '--no-dtls');
  await sim.clock.advance('2h');
  return about(id);
});
provokes('end-session-timeout', async (t) => {
  const { id } = await tunnelOf(t, '--no-dtls');
  sim.sessions.expire(id);
  return about(id);
});
provokes('end-reset', async (t) => {
  const { id } = await tunnelOf(t, '--no-dtls');
  await sim.reset();
  return about(id);
});
