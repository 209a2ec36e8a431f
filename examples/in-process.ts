// The whole simulator inside one program: connect, fetch a page through the tunnel, look at what was journaled.
//
//   node examples/in-process.ts
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { startSimulator, TunnelClient } from '../src/index.ts'; // in your project: from 'tunnelite'

await using sim = await startSimulator({ gateway: { dpd: 5 } });
const token = await sim.token({ user: 'alice@contoso.com' });
await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });

const session = await sim.journal.waitFor({ name: 'session.connect' });
console.log(`connected as ${session.fields.address4}`);

const socket = await client.openTcp('intranet.contoso.internal', 80);
const status = await new Promise<number | undefined>((resolve, reject) => {
  const options = { host: 'intranet.contoso.internal', path: '/', headers: { connection: 'close' } };
  request({ ...options, createConnection: () => socket })
    .on('response', (response) => response.on('end', () => resolve(response.statusCode)).resume())
    .on('error', reject)
    .end();
});
assert.equal(status, 200);

const resource = await sim.journal.waitFor({ name: 'resource.request', fields: { protocol: 'tcp' } });
console.log(resource.text);

// A token that expired is refused, and the journal says why.
const expired = await sim.mintToken({ wrong: 'expired' });
await assert.rejects(TunnelClient.connect({ server: sim.urls.gateway, token: expired.accessToken, ca: sim.ca }));
const refusal = await sim.journal.waitFor({ name: 'auth.refused' });
assert.equal(refusal.fields.reason, 'expired');
console.log(refusal.text);
