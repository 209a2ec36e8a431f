import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { startSimulator } from '../../src/index.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Companies put proxies between their clients and the gateway: the client asks tinyproxy (HTTP CONNECT) or microsocks (SOCKS5)
// for the gateway, which then sees a stranger's address, a connection made by other hands, and no UDP.

t.setTimeout(100_000);

/** How a proxy is started that listens on a port of 127.0.0.1, and how openconnect is told of it. */
interface Proxy {
  readonly scheme: string;
  /** @param gatewayPort the only one that is let through, where the proxy knows such limits */
  start(port: number, gatewayPort: string, folder: string): PeerProcess;
  /** What it prints when it connects to the gateway. */
  readonly seen: RegExp;
}

const proxies: Readonly<Record<string, Proxy>> = {
  tinyproxy: {
    scheme: 'http',
    start(port, gatewayPort, folder) {
      const file = join(folder, 'tinyproxy.conf');
      const lines = [
        `Port ${port}`,
        'Listen 127.0.0.1',
        'Allow 127.0.0.1',
        'Timeout 60',
        'LogLevel Info',
        `ConnectPort ${gatewayPort}`,
      ];
      writeFileSync(file, `${lines.join('\n')}\n`);
      return new PeerProcess('tinyproxy', ['-d', '-c', file]);
    },
    seen: /Established connection to host "localhost"/,
  },
  microsocks: {
    scheme: 'socks5',
    start: (port) => new PeerProcess('microsocks', ['-i', '127.0.0.1', '-p', String(port)]),
    seen: /127\.0\.0\.1.*connected to localhost:/,
  },
};

/** Resolves once something listens on the port. Neither proxy says when it does. */
async function listening(port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await setTimeout(20);
  }
}

for (const [name, proxy] of Object.entries(proxies)) {
  const skip = skipUnless({ programs: [...SOCKS_TUNNEL_PROGRAMS, name] });
  t.test(`openconnect reaches the gateway through ${name}, and a page through the tunnel`, { skip }, async (t) => {
    await using sim = await startSimulator();
    const directory = t.testdir();
    const { port } = new URL(sim.urls.gateway);
    const proxyPort = await freePort();
    await using between = proxy.start(proxyPort, port, directory);
    await listening(proxyPort);
    await using tunnel = await SocksTunnel.open(sim, await sim.token(), directory, [
      `--proxy=${proxy.scheme}://127.0.0.1:${proxyPort}`,
    ]);
    await between.until(proxy.seen);
    const body = await tunnel.fetch('http://intranet.contoso.internal/bytes/3000000');
    t.equal(body.length, 3_000_000);
    const [session] = sim.gateway.sessions();
    t.equal(session?.dataChannel, 'cstp', 'a proxy for TCP carries no DTLS');
  });
}
