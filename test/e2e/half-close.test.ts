import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

const HOST = 'intranet.contoso.internal';

/** Everything that comes until the end. */
async function text(stream: Duplex): Promise<string> {
  const parts: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => parts.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(parts).toString('latin1');
}

t.test('a web request whose sender ends its side at once is answered (RFC 9112 §9.6)', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token() });
  for (const headers of ['', 'Connection: close\r\n']) {
    for (const scheme of ['http', 'https']) {
      let stream = await client.openTcp(HOST, scheme === 'http' ? 80 : 443);
      if (scheme === 'https') {
        const options: ConnectionOptions & { allowHalfOpen: boolean } = { socket: stream, allowHalfOpen: true };
        const secure = tlsConnect({ ...options, ca: sim.ca, servername: HOST });
        await once(secure, 'secureConnect');
        stream = secure;
      }
      stream.end(`GET /bytes/3000000 HTTP/1.1\r\nHost: ${HOST}\r\n${headers}\r\n`);
      const answer = await text(stream);
      t.match(answer, /^HTTP\/1\.1 200 /, `${scheme} ${headers}`);
      t.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, 3_000_000, `${scheme} ${headers}, whole`);
    }
  }
});

t.test('what other services get before the end of the other side they answer too', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token() });
  const echo = await client.openTcp('tools.contoso.internal', 7);
  echo.end('hello');
  t.equal(await text(echo), 'hello');
});
