import { once } from 'node:events';
import http from 'node:http';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type ConnectionInfo, TunnelClient, type TunnelClientOptions, TunnelSdk } from '../../../src/client/index.ts';
import type { Simulator } from '../../../src/index.ts';
import { start } from '../../support/running-simulator.ts';
import { innerNetwork, scriptedGateway, welcome } from '../../support/scripted-gateway.ts';

/* The rules of a tunnel, in effect: who goes through it, who beside it, and who by a proxy. */

t.setTimeout(90_000);

async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** A proxy that counts what it was asked for, and leads everything to one port of this machine. */
async function proxyTo(t: Test, target: number) {
  const asked: string[] = [];
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request: http.IncomingMessage, socket: Socket) => {
    asked.push(request.url!);
    if (request.url!.startsWith('forbidden')) {
      socket.end('HTTP/1.1 403 Not here\r\n\r\n');
      return;
    }
    const out = dial(target, '127.0.0.1');
    out.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 OK\r\nProxy-Agent: test\r\n\r\n');
    socket.pipe(out).pipe(socket);
  });
  return { asked, port: await listen(t, server) };
}

const page = (text: string) => http.createServer((_request, response) => response.end(text));

async function client(t: Test, sim: Simulator, options: Partial<TunnelClientOptions> = {}) {
  const ways: ConnectionInfo[] = [];
  const made = await TunnelClient.connect({
    server: sim.urls.gateway,
    ca: sim.ca,
    token: await sim.token(),
    onConnection: (way) => ways.push(way),
    ...options,
  });
  t.teardown(() => made.close());
  return { client: made, ways };
}

t.test('what the routes leave out is refused, or opened beside the tunnel', async (t) => {
  const sim = await start(t);
  const port = await listen(t, page('beside'));
  const refusing = await client(t, sim);
  const outside = { code: 'ERR_CLIENT_OUTSIDE', message: /127\.0\.0\.1 is in none of the tunnel’s networks: 10\.20/ };
  await t.rejects(refusing.client.fetch(`http://127.0.0.1:${port}/`), outside);
  await t.rejects(refusing.client.openUdp('127.0.0.1', port), outside);
  t.equal((await refusing.client.fetch('http://intranet/whoami')).status, 200, 'a short name has the gateway’s suffix');
  t.match(refusing.ways, [{ host: 'intranet', way: 'tunnel', why: /10\.20\.0\.10/ }]);
  await t.rejects(refusing.client.resolve('nowhere'), {
    code: 'ERR_CLIENT_DNS',
    message: /nowhere\.contoso\.internal/,
  });

  const { client: device, ways } = await client(t, sim, { outside: 'direct' });
  t.equal((await device.fetch(`http://127.0.0.1:${port}/`)).body.toString(), 'beside');
  t.equal(
    (await device.fetch(`http://localhost:${port}/`)).body.toString(),
    'beside',
    'split DNS leaves it to the device',
  );
  t.equal((await device.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  t.strictSame(
    ways.map(({ host, way }) => [host, way]),
    [
      ['127.0.0.1', 'direct'],
      ['localhost', 'direct'],
      ['intranet.contoso.internal', 'tunnel'],
    ],
  );
  const closed = await listen(t, createServer());
  const control = new AbortController();
  const stream = await device.connect({ host: '127.0.0.1', port: closed, signal: control.signal });
  const failed = once(stream, 'error');
  control.abort();
  t.match(await failed, [{ name: 'AbortError' }]);
  const left = await device.connect({ host: '127.0.0.1', port: closed });
  await Promise.all([once(left, 'close'), device.close()]);
  t.ok(left.destroyed, 'what is open beside the tunnel ends with it');
});

t.test('a connection beside the tunnel that fails says so', async (t) => {
  const sim = await start(t);
  const { client: device } = await client(t, sim, { outside: 'direct' });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const words = { code: 'ERR_CLIENT_OPEN', message: /outside the tunnel: .*ECONNREFUSED/ };
  await t.rejects(device.connect({ host: '127.0.0.1', port }), words);
  await t.rejects(device.connect({ host: 'nowhere.invalid', port }), { code: 'ERR_CLIENT_DNS' });
});

t.test('hosts that bypass the tunnel are reached beside it, though the routes would carry them', async (t) => {
  const sim = await start(t);
  const bypass = ['https://intranet.contoso.internal/', 'localhost'];
  const refusing = await client(t, sim, { bypass });
  await t.rejects(refusing.client.fetch('http://intranet.contoso.internal/'), {
    code: 'ERR_CLIENT_OUTSIDE',
    message: /bypass/,
  });
  await t.rejects(refusing.client.openUdp('intranet.contoso.internal', 7), { code: 'ERR_CLIENT_OUTSIDE' });
  const { client: device } = await client(t, sim, { bypass, outside: 'direct' });
  const port = await listen(t, page('beside'));
  t.equal((await device.fetch(`http://localhost:${port}/`)).body.toString(), 'beside');
  await t.rejects(device.fetch('http://intranet.contoso.internal/'), 'the device does not know it');
});

t.test('web requests go by a proxy, which is reached through the tunnel', async (t) => {
  const sim = await start(t);
  const proxy = await proxyTo(t, await listen(t, page('by the proxy')));
  await sim.resources.add({
    match: 'proxy.contoso.internal',
    ports: [3128],
    to: { host: '127.0.0.1', port: proxy.port },
  });
  const setting = { host: 'proxy.contoso.internal', port: 3128 };
  const { client: tunnel, ways } = await client(t, sim, { proxy: setting });
  t.equal((await tunnel.fetch('http://elsewhere.example/x')).body.toString(), 'by the proxy');
  t.strictSame(proxy.asked, ['elsewhere.example:80']);
  t.match(ways, [{ host: 'elsewhere.example', way: 'proxy', why: /proxy\.contoso\.internal port 3128/ }]);
  await t.rejects(tunnel.fetch('http://forbidden.example/'), { code: 'ERR_CLIENT_PROXY', message: /403 Not here/ });
  const stream = await tunnel.connect({ host: 'tools.contoso.internal', port: 7 });
  stream.destroy();
  t.equal(proxy.asked.length, 2, 'what is no web request does not');
  const { client: lost } = await client(t, sim, { proxy: { host: 'refused.contoso.internal', port: 3128 } });
  await t.rejects(lost.fetch('http://elsewhere.example/'), { code: 'ERR_CLIENT_PROXY', message: /cannot be reached/ });
  const silent = await listen(
    t,
    createServer((socket) => socket.end('SSH-2.0-x\r\n')),
  );
  await sim.resources.add({ match: 'ssh.contoso.internal', ports: [22], to: { host: '127.0.0.1', port: silent } });
  const { client: odd } = await client(t, sim, { proxy: { host: 'ssh.contoso.internal', port: 22 } });
  await t.rejects(odd.fetch('http://elsewhere.example/'), {
    code: 'ERR_CLIENT_PROXY',
    message: /did not answer as a proxy/,
  });
});

t.test('a proxy configuration file is fetched through the tunnel, and says which way each request takes', async (t) => {
  const sim = await start(t);
  const proxy = await proxyTo(t, await listen(t, page('by the proxy')));
  await sim.resources.add({
    match: 'proxy.contoso.internal',
    ports: [3128],
    to: { host: '127.0.0.1', port: proxy.port },
  });
  let served = 0;
  let script = `function FindProxyForURL(url, host) {
    if (dnsDomainIs(host, ".contoso.internal")) return "DIRECT";
    if (host === "socks.example") return "SOCKS s:1080";
    return "SOCKS s:1080; PROXY refused.contoso.internal:1; PROXY proxy.contoso.internal:3128";
  }`;
  const pac = http.createServer((_request, response) => {
    served++;
    response.end(script);
  });
  await sim.resources.add({
    match: 'pac.contoso.internal',
    ports: [80],
    to: { host: '127.0.0.1', port: await listen(t, pac) },
  });
  const setting = { pac: 'http://pac.contoso.internal/proxy.pac' };
  const { client: tunnel } = await client(t, sim, { proxy: setting });
  t.equal((await tunnel.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  t.equal(
    (await tunnel.fetch('http://elsewhere.example/')).body.toString(),
    'by the proxy',
    'the third that was named',
  );
  t.strictSame(proxy.asked, ['elsewhere.example:80']);
  t.equal(served, 1, 'the file is fetched once');
  await t.rejects(tunnel.fetch('http://socks.example/'), { code: 'ERR_CLIENT_PROXY', message: /only HTTP proxies/ });

  script = 'function FindProxyForURL() { throw new Error("broken"); }';
  const { client: broken } = await client(t, sim, { proxy: setting });
  await t.rejects(broken.fetch('http://intranet.contoso.internal/'), { code: 'ERR_CLIENT_PROXY', message: /broken/ });
  script = 'x'.repeat(1_100_000);
  const { client: long } = await client(t, sim, { proxy: setting });
  const gone = { code: 'ERR_CLIENT_PROXY', message: /could not be fetched/ };
  await t.rejects(long.fetch('http://intranet.contoso.internal/'), gone);
  script = 'function FindProxyForURL() { return "DIRECT"; }';
  t.equal((await long.fetch('http://intranet.contoso.internal/whoami')).status, 200, 'it is asked for once more');
  const { client: none } = await client(t, sim, { proxy: { pac: 'http://nowhere.contoso.internal/' } });
  await t.rejects(none.fetch('http://intranet.contoso.internal/'), gone);
});

t.test('what a gateway says of proxies is taken, unless the client has been told otherwise', async (t) => {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.headers.host}${request.url}`);
    response.end('function FindProxyForURL(url, host) { return "PROXY 10.8.8.8:3128"; }');
  });
  server.on('connect', (request: http.IncomingMessage, socket: Socket) => {
    seen.push(`CONNECT ${request.url}`);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy'));
  });
  const serving = (address: string) =>
    scriptedGateway(async (socket) => {
      await welcome(socket, { 'X-CSTP-MSIE-Proxy-Pac-URL': address });
      innerNetwork(socket, {
        onTcp: (request) => {
          const stream = request.accept().toDuplex();
          stream.on('error', () => {});
          server.emit('connection', stream);
        },
      });
    });
  await using gateway = await serving('http://10.9.9.9/proxy.pac');
  await using by = await gateway.connect();
  t.equal((await by.fetch('http://10.1.1.1/x')).body.toString(), 'proxy');
  t.strictSame(seen, ['GET 10.9.9.9/proxy.pac', 'CONNECT 10.1.1.1:80']);
  seen.length = 0;
  await using without = await gateway.connect({ proxy: 'none' });
  t.equal((await without.fetch('http://10.1.1.1/x')).status, 200);
  t.strictSame(seen, ['GET 10.1.1.1/x']);
  for (const odd of ['file:///etc/passwd', 'javascript:alert(1)', 'no address', 'data:text/plain,x']) {
    await using other = await serving(odd);
    await using made = await other.connect();
    t.equal(made.configuration.proxyPac, undefined, odd);
  }
});

t.test('a file that a gateway names is fetched from its own network, never from the device’s', async (t) => {
  const touched: string[] = [];
  const port = await listen(
    t,
    http.createServer((request, response) => {
      touched.push(request.url!);
      response.end();
    }),
  );
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket, {
      'X-CSTP-MSIE-Proxy-Pac-URL': `http://127.0.0.1:${port}/delete`,
      'X-CSTP-Split-Include': '10.0.0.0/255.0.0.0',
    });
    innerNetwork(socket, { onTcp: (request) => request.refuse() });
  });
  await using made = await gateway.connect({ outside: 'direct' });
  await t.rejects(made.fetch('http://10.1.1.1/'), { code: 'ERR_CLIENT_PROXY' });
  t.strictSame(touched, []);
});

t.test('the SDK goes by the keys of its configuration', async (t) => {
  const sim = await start(t);
  const proxy = await proxyTo(t, await listen(t, page('by the proxy')));
  await sim.resources.add({
    match: 'proxy.contoso.internal',
    ports: [3128],
    to: { host: '127.0.0.1', port: proxy.port },
  });
  const beside = await listen(t, page('beside'));
  const root = Buffer.from(sim.ca.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64');
  const sdk = new TunnelSdk({ ca: sim.ca });
  const connected = Promise.withResolvers<void>();
  sdk.initialize(
    { onInitialized: () => sdk.connect(), onConnected: connected.resolve, onTokenRequired: () => sim.token() },
    {
      'com.microsoft.tunnel.server_address': new URL(sim.urls.gateway).host,
      'com.microsoft.tunnel.proxy_address': 'proxy.contoso.internal',
      'com.microsoft.tunnel.proxy_port': '3128',
      'com.microsoft.tunnel.custom_configuration': '{"bypassedUrls":["localhost"]}',
      'com.microsoft.tunnel.trusted_root_certificates': JSON.stringify([
        { '@odata.type': '#microsoft.graph.x', displayName: 'Root', trustedRootCertificate: root },
      ]),
    },
  );
  await connected.promise;
  const tunnel = sdk.client!;
  t.equal((await tunnel.fetch('http://elsewhere.example/')).body.toString(), 'by the proxy');
  t.equal((await tunnel.fetch(`http://localhost:${beside}/`)).body.toString(), 'beside');
  t.strictSame(proxy.asked, ['elsewhere.example:80']);
  await sdk.disconnect();
});
