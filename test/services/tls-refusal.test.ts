import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

/* What a client of the tunnel sees of a mock site that refuses it in the TLS handshake. */

async function lab(t: Test) {
  const sim = await startSimulator();
  t.teardown(() => sim.close());
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  return { sim, client };
}

/** What TLS makes of a connection of the tunnel, and how this itself ended. */
async function handshake(stream: Duplex, options: ConnectionOptions) {
  const ending = new Promise<unknown>((resolve) => {
    stream.once('end', () => resolve('end'));
    stream.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  const secure = tlsConnect({ socket: stream, servername: 'clientcert.contoso.internal', ...options });
  const code = await new Promise<string | undefined>((resolve) => {
    secure.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  const end = await ending;
  secure.destroy();
  return { code, end };
}

t.test('a client without the certificate that a site asks for reads so, and is not reset', async (t) => {
  const { sim, client } = await lab(t);
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const stream = await client.openTcp('clientcert.contoso.internal', 443);
    const { code, end } = await handshake(stream, { ca: sim.ca, maxVersion });
    t.match(code, /^ERR_SSL_.*(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/, maxVersion);
    t.equal(end, 'end', maxVersion);
  }
});
