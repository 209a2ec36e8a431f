import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Simulator } from '../../src/index.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { start } from '../support/running-simulator.ts';
import { scriptedTunnel } from '../support/scripted-tunnel.ts';

// Settings that leave a client without a tunnel or an address, packets that nothing answers, and servers that do not.

t.setTimeout(400_000);
const skip = skipUnless({ programs: ['openconnect', 'openssl', 'bash', 'python3'] });
const sim = await start(t, {
  gateway: { denyRoaming: true },
  resources: { upstreams: [{ match: '10.20.9.7', ports: [80], to: { host: '127.0.0.1', port: 1 } }] },
});
const folder = t.testdir({ 'ca.pem': sim.ca });
const provokes = provoker(() => sim, skip);
const path = (name: string): string => join(folder, name);

async function signIn(at: Simulator): Promise<readonly string[]> {
  writeFileSync(path('ca.pem'), at.ca);
  writeFileSync(path('token.jwt'), await at.token(), { mode: 0o600 });
  return signInArguments({ token: path('token.jwt'), ca: path('ca.pem') });
}

/** A tunnel whose far end is a script of Python, with the client's address as its argument: what it writes are packets. */
function scripted(t: Test, at: Simulator, python: string, ...args: string[]): Promise<string> {
  writeFileSync(path('far-end.py'), python);
  return scriptedTunnel(t, at, {
    folder,
    script: `python3 -c "$(cat ${path('far-end.py')})" "$INTERNAL_IP4_ADDRESS" >&$VPNFD`,
    args: ['--no-dtls', ...args],
  });
}

const PACKETS = `
import os, socket, struct, sys
def total(data):
    all = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    all = (all >> 16) + (all & 0xffff)
    return ~(all + (all >> 16)) & 0xffff
def ip(protocol, to, payload):
    def head(checksum):
        return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, checksum, socket.inet_aton(sys.argv[1]), socket.inet_aton(to))
    return head(total(head(0))) + payload
def echo(checksum):
    return struct.pack('!BBHHH', 8, 0, checksum, 7, 1) + b'01234567'
`;

provokes(
  'cookie-roaming',
  async () => {
    const said = await run('openconnect', [...(await signIn(sim)), '--authenticate', sim.urls.gateway]);
    const cookie = /COOKIE='([^']+)'/.exec(said)?.[1];
    const since = sim.journal.mark();
    const head = `CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\nCookie: webvpn=${cookie}\r\n\r\n`;
    const bind = ['-bind', '127.0.0.2:0', '-connect', `127.0.0.1:${sim.gateway.port}`];
    await run('openssl', ['s_client', '-quiet', ...bind], head);
    const { fields } = await sim.journal.waitFor({ name: 'session.refused', since });
    return about(fields.session!);
  },
  (t, { finding }) => t.match(finding.what, /127\.0\.0\.1/),
);

provokes('resource-no-ping', async (t) =>
  about(await scripted(t, sim, `${PACKETS}\nos.write(1, ip(1, '10.20.9.7', echo(total(echo(0)))))`)),
);

provokes('resource-timeout', async (t) => {
  // A server that accepts nobody, and whose queue is full: the kernel drops further SYNs.
  const server = new PeerProcess('python3', [
    '-uc',
    `import socket, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0)
waiting = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); waiting.append(c)
print('port', s.getsockname()[1])
time.sleep(120)`,
  ]);
  t.teardown(() => server[Symbol.asyncDispose]());
  await server.until(/port (\d+)\n/);
  const port = /port (\d+)\n/.exec(server.output)![1];
  await sim.resources.add({ match: '10.20.9.8', ports: [80], to: { host: '127.0.0.1', port: Number(port) } });
  const syn = `${PACKETS}
def tcp(checksum):
    return struct.pack('!HHIIBBHHH', 40000, 80, 1, 0, 0x50, 2, 65535, checksum, 0)
pseudo = socket.inet_aton(sys.argv[1]) + socket.inet_aton('10.20.9.8') + struct.pack('!HH', 6, 20)
os.write(1, ip(6, '10.20.9.8', tcp(total(pseudo + tcp(0)))))`;
  return about(await scripted(t, sim, syn));
});

const without4 = await start(t, { gateway: { network: null, ipv6Network: 'fd77::/64' } });
const provokesThere = provoker(() => without4, skip);
provokesThere('admission-no-address', async (t) => about(await scripted(t, without4, '', '--disable-ipv6')));
