import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { start } from '../support/running-simulator.ts';
import { scriptedTunnel } from '../support/scripted-tunnel.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Clients in use that do what the gateway does not expect of them, or whom something on the way does it to, and what is made of it.

t.setTimeout(600_000);
const skip = skipUnless({ programs: [...SOCKS_TUNNEL_PROGRAMS, 'openssl', 'bash'] });
const sim = await start(t, {
  gateway: { dpd: 3, sessionTimeout: 36_000 },
  resources: {
    access: { otherwise: 'allow', rules: [{ name: 'finance', action: 'deny', match: ['10.20.0.13'] }] },
    dns: { servers: ['127.0.0.1:1'], domains: ['away.example'] },
  },
});
const folder = t.testdir();
const provokes = provoker(() => sim, skip);
const { port } = sim.gateway;

async function tunnelOf(t: Test, ...args: string[]): Promise<{ tunnel: SocksTunnel; id: string }> {
  const since = sim.journal.mark();
  const tunnel = await SocksTunnel.open(sim, await sim.token(), folder, args);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const { fields } = await sim.journal.waitFor({ name: 'session.connect', since });
  return { tunnel, id: fields.session };
}

/** A tunnel over TLS whose far end is a script. */
const scripted = (t: Test, script: string): Promise<string> =>
  scriptedTunnel(t, sim, { folder, script, args: ['--no-dtls'] });

/** The cookie that openconnect gets for a token. */
async function cookie(): Promise<string> {
  const [ca, token] = [join(folder, 'ca.pem'), join(folder, 'cookie.jwt')];
  writeFileSync(ca, sim.ca);
  writeFileSync(token, await sim.token(), { mode: 0o600 });
  const said = await run('openconnect', [...signInArguments({ token, ca }), ...['--authenticate', sim.urls.gateway]]);
  return /COOKIE='([^']+)'/.exec(said)![1]!;
}

/** What a client sends that has logged in, by `openssl s_client`: CONNECT, and then these bytes in the notation of printf. */
async function connectBy(webvpn: string, bytes: string, ...args: string[]): Promise<string> {
  const since = sim.journal.mark();
  const head = `CONNECT /CSCOSSLC/tunnel HTTP/1.1\\r\\nHost: localhost\\r\\nCookie: webvpn=${webvpn}\\r\\nX-CSTP-Version: 1\\r\\nX-CSTP-Address-Type: IPv4\\r\\n\\r\\n`;
  const file = join(folder, 'connect.sh');
  writeFileSync(
    file,
    `(printf '${head}'; sleep 1; printf '${bytes}'; sleep 2) | timeout 8 openssl s_client -quiet -no_ign_eof ${args.join(' ')} -connect 127.0.0.1:${port}`,
  );
  await run('bash', [file]);
  return (await sim.journal.waitFor({ name: 'session.connect', since })).fields.session;
}

// Packets
/** Without a line end in it, where bash cuts what it writes. */
const UDP_FROM_ELSEWHERE =
  '\\x45\\x00\\x00\\x1c\\x00\\x00\\x00\\x00\\x40\\x11\\x00\\x00\\xc0\\xa8\\x09\\x09\\xac\\x10\\x00\\x01\\x00\\x35\\x00\\x35\\x00\\x08\\x00\\x00';
provokes('channel-spoofed', async (t) => about(await scripted(t, `printf '${UDP_FROM_ELSEWHERE}' >&$VPNFD`)));
provokes('channel-malformed', async (t) => about(await scripted(t, `printf 'no packet at all' >&$VPNFD`)));
provokes('channel-protocol-error', async () => about(await connectBy(await cookie(), 'GET / HTTP/1.1\\r\\n\\r\\n')));
provokes('end-protocol-error', async () => about(await connectBy(await cookie(), 'STF\\x02\\x00\\x00\\x00\\x00')));
provokes('end-paused', async () => about(await connectBy(await cookie(), 'STF\\x01\\x00\\x01\\x05\\x00\\x91')));
provokes(
  'cookie-elsewhere',
  async () => {
    const webvpn = await cookie();
    await connectBy(webvpn, '');
    return about(await connectBy(webvpn, '', '-bind', '127.0.0.2:0'));
  },
  (t, { finding }) => t.match(finding.what, /came from 127\.0\.0\.2; before, the session was at 127\.0\.0\.1\./),
);

// What goes through
provokes('resource-access', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  tunnel.askFor(t, 'http://10.20.0.13/');
  return about(id);
});
provokes('dns-failed', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  await tunnel.fetch('http://host.away.example/').catch(() => {});
  return about(id);
});

// Channels
provokes('channel-udp-nothing-in-common', async (t) => {
  const { id } = await tunnelOf(t, '--dtls-ciphers=DES-CBC3-SHA', '--dtls12-ciphers=DES-CBC3-SHA');
  return about(id);
});
const bash = (script: string) => run('bash', ['-c', script]);
provokes('dtls-unknown-peer', async () => {
  const since = sim.journal.mark();
  await bash(
    `printf '\\x17\\xfe\\xfd\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x20%032d' 0 > /dev/udp/127.0.0.1/${port}`,
  );
  return about((await sim.journal.waitFor({ name: 'channel.dtls.refused', since })).fields.remote);
});
provokes(
  'dtls-not-authentic',
  async (t) => {
    const { id, tunnel } = await tunnelOf(t);
    await sim.journal.waitFor({ name: 'channel.dtls.open', fields: { session: id } });
    await using _ = sim.faults.add({
      name: 'changed',
      on: { seam: 'udp', direction: 'in', kind: 'application', session: id },
      when: { times: 1 },
      then: { do: 'corrupt', bit: 200 },
    });
    await tunnel.fetch('http://10.20.0.10/').catch(() => {});
    return about(id);
  },
  (t, { finding }) => t.equal(finding.rule, 'changed'),
);
/** A tunnel over DTLS that hears nothing any more over UDP. */
const deafened = async (t: Test) => {
  const { id, tunnel } = await tunnelOf(t);
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'dtls' } });
  const rule = sim.faults.add({ on: { seam: 'udp', direction: 'out', session: id }, then: { do: 'drop' } });
  t.teardown(() => rule[Symbol.asyncDispose]());
  for (let i = 0; i < 3; i++) await tunnel.fetch('http://10.20.0.10/').catch(() => {});
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'cstp' } }, { timeout: 90_000 });
  return about(id);
};
provokes('channel-client-moved', deafened);

provokes('resource-proxy', async (t) => {
  const { tunnel, id } = await tunnelOf(t, '--no-dtls');
  // It retries until ocproxy listens.
  await tunnel.fetch('http://10.20.0.10/');
  const socket = await tunnel.open('proxy.contoso.internal', 3129);
  t.teardown(() => socket.destroy());
  socket.write('GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n');
  await once(socket, 'data');
  return about(id);
});

// A gateway to which no datagram of a client comes after the ClientHello: it gives up after a minute of its clock
const MANY_TIMES = 10;
const begun = performance.now();
const elapsed = () => (performance.now() - begun) * MANY_TIMES;
const quick: Clock = {
  now: () => Math.floor(performance.timeOrigin + begun + elapsed()),
  monotonic: elapsed,
  setTimer: (ms, fn) => systemClock.setTimer(ms / MANY_TIMES, fn),
};
const waiting = await start(t, { gateway: { dpd: 300 } }, { clock: quick });
const provokesWaiting = provoker(() => waiting, skip);
provokesWaiting(
  'dtls-timeout',
  async (t) => {
    await using _ = waiting.faults.add({
      name: 'no-answer',
      on: { seam: 'udp', direction: 'in', kind: 'handshake' },
      then: { do: 'drop' },
    });
    const session = await scriptedTunnel(t, waiting, { folder, script: '', args: [], within: MANY_TIMES * 60_000 });
    await waiting.journal.waitFor(
      { name: 'channel.dtls.refused', fields: { session, reason: 'timeout' } },
      { timeout: MANY_TIMES * 120_000 },
    );
    return about(session);
  },
  (t, { finding }) =>
    t.match(finding, {
      rule: 'no-answer',
      what: /Flight 4 \(ServerHello, ServerHelloDone\) was sent \d+ times\. Nothing was received from the client since\./,
    }),
);

// A gateway that is stopped under its clients
const other = await start(t, { gateway: { disableUdp: true } });
const provokesThere = provoker(() => other, skip);
provokesThere('gateway-stalled', async (t) => {
  const tunnel = await SocksTunnel.open(other, await other.token(), folder);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const until = performance.now() + 3_000;
  while (performance.now() < until);
  await other.journal.waitFor({ name: 'gateway.stalled' });
  await tunnel.fetch('http://10.20.0.10/');
  return about(other.sessions.list()[0]!.id);
});
provokesThere('end-shutdown', async (t) => {
  const tunnel = await SocksTunnel.open(other, await other.token(), folder);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const { id } = other.sessions.list().at(-1)!;
  await other.gateway.drain({ timeout: 0 });
  return about(id);
});

// A gateway behind a NAT that gives its client another port
const front = createSocket('udp4').bind(0, '127.0.0.1');
await once(front, 'listening');
const natted = await start(t, { gateway: { announcedUdpPort: (front.address() as AddressInfo).port } });
let client = 0;
let back = createSocket('udp4');
function rebind(): void {
  back.close();
  back = createSocket('udp4').bind(0, '127.0.0.1');
  back.on('message', (bytes) => front.send(bytes, client, '127.0.0.1'));
}
front.on('message', (bytes, from) => {
  client = from.port;
  back.send(bytes, natted.gateway.port, '127.0.0.1');
});
rebind();
t.teardown(() => {
  front.close();
  back.close();
});
const provokesBehind = provoker(() => natted, skip);
provokesBehind('channel-moved', async (t) => {
  const tunnel = await SocksTunnel.open(natted, await natted.token(), folder);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const { fields } = await natted.journal.waitFor({ name: 'channel.switch', fields: { to: 'dtls' } });
  rebind();
  await tunnel.fetch('http://10.20.0.10/');
  return about(fields.session);
});

// A gateway with room for one
const narrow = await start(t, { gateway: { maxSessions: 1 } });
const provokesIn = provoker(() => narrow, skip);
provokesIn('admission-full', async (t) => {
  const tunnel = await SocksTunnel.open(narrow, await narrow.token(), folder);
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  const since = narrow.journal.mark();
  writeFileSync(join(folder, 'narrow.pem'), narrow.ca);
  await run('curl', ['-s', '--max-time', '10', '--cacert', join(folder, 'narrow.pem'), narrow.urls.gateway]);
  return about((await narrow.journal.waitFor({ name: 'http.rejected', since })).fields.remote);
});
