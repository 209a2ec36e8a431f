import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { start } from '../support/running-simulator.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// What becomes of the tunnels of a stock openconnect, and of what goes through them, and what is made of it.

t.setTimeout(900_000);
const skip = skipUnless({ programs: [...SOCKS_TUNNEL_PROGRAMS, 'openssl', 'bash'] });
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
const last = (): string => sim.sessions.list().at(-1)!.id;

/** A tunnel of its own, and the id of its session. */
async function tunnelOf(t: Test, ...args: string[]): Promise<{ tunnel: SocksTunnel; id: string }> {
  const tunnel = await SocksTunnel.open(sim, await sim.token(), folder, args);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  return { tunnel, id: last() };
}

/** One tunnel for what goes through it. */
const shared = skip ? undefined : await SocksTunnel.open(sim, await sim.token(), folder);
t.teardown(() => shared?.[Symbol.asyncDispose]());
const own = skip ? '' : last();
const fetching = (url: string) => async () => {
  await shared!.fetch(url).catch(() => {});
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
provokes('resource-default-deny', fetching('http://10.20.9.9/'), (t, { finding }) =>
  t.match(finding.what, /by the rule default-deny/),
);
provokes('resource-closed-port', fetching('http://10.20.0.10:81/'));
provokes('resource-special-address', fetching('http://169.254.169.254:82/'));
provokes('resource-refused', fetching('http://refused.contoso.internal/'));
provokes('resource-unreachable', fetching('http://lost.contoso.internal/'));
provokes('resource-denied', async () => {
  await sim.resources.add({
    match: 'own.contoso.internal',
    ports: [80],
    to: { host: '127.0.0.1', port: sim.gateway.port },
  });
  return fetching('http://own.contoso.internal/')();
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

// Channels
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
      ...signInArguments({ token: tokenFile(await sim.token()), ca: join(folder, 'ca.pem') }),
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
      why: /^This was made by the fault rule no-udp\./,
      next: ['`tunnelite fault remove no-udp`'],
    });
    t.match(
      explanation.summary,
      /data goes over TLS \(TCP\)\. But: DTLS never answered: is UDP blocked on the way\? \(made by the fault rule no-udp\)/,
    );
  },
);
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
provokes('channel-fell-back', async (t) => {
  const { id, tunnel } = await tunnelOf(t);
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'dtls' } });
  await using _ = sim.faults.add({
    name: 'udp-lost',
    on: { seam: 'udp', session: id, direction: 'in' },
    then: { do: 'drop' },
  });
  const fetched = tunnel.fetch('http://10.20.0.10/').catch(() => {});
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'cstp' } }, { timeout: 90_000 });
  await fetched;
  return about(id);
});
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
    what: /^Flight 4 \(ServerHello.*ServerHelloDone\) was (?:lost on the way to the client|sent 2 times).*DTLS came up \d+ ms after/,
    rule: 'one-lost',
  });
  t.ok(explanation.steps.some(({ text }) => /^Said in DTLS: ClientHello/.test(text)));
});
provokes('dtls-flight-lost', losing({ direction: 'in', kind: 'handshake' }), (t, { finding }) =>
  t.match(finding.what, /^Flight 4 .* was sent \d+ times\. .*(?:has not come|has come since)/),
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

// Ends
provokes(
  'end-user',
  async (t) => {
    const { tunnel, id } = await tunnelOf(t, '--no-dtls');
    tunnel.signal('SIGINT');
    await tunnel.ended;
    return about(id);
  },
  (t, { explanation }) => t.match(explanation, { outcome: 'ended', summary: /is over: the client left by itself/ }),
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
  (t, { finding, explanation }) => t.match([finding.what, explanation.outcome], [/It came back\.$/, 'connected']),
);
provokes('end-replaced', async (t) => {
  const said = await run('openconnect', [
    ...signInArguments({ token: tokenFile(await sim.token()), ca: join(folder, 'ca.pem') }),
    '--authenticate',
    sim.urls.gateway,
  ]);
  const [, cookie = ''] = /COOKIE='([^']+)'/.exec(said) ?? [];
  const again = () => SocksTunnel.open(sim, 'unused', folder, [`--cookie=${cookie}`]);
  const [one, two] = [await again(), await again()];
  t.teardown(() => Promise.all([one, two].map((each) => each[Symbol.asyncDispose]())));
  return about(last());
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

function tokenFile(token: string): string {
  const path = join(folder, 'other.jwt');
  writeFileSync(path, token, { mode: 0o600 });
  return path;
}

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
