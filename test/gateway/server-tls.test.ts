import t from 'tap';
import { startTestGateway, statusLine } from '../support/gateway.ts';

t.test('who connected over TLS is told with version, name and library', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  t.match(lab.events.of('tls.connect'), [{ protocol: 'TLSv1.2', serverName: 'localhost', library: 'OpenSSL' }]);
  client.close();
});

t.test('a fault caps the version, down to those that need SHA-1', async (t) => {
  for (const maxVersion of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
    await using lab = await startTestGateway({ faults: { handshake: () => ({ maxVersion }) } });
    const client = await lab.dial({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
    t.equal(client.tls.getProtocol(), maxVersion);
    t.equal(statusLine(await client.login()), 'HTTP/1.1 200 OK');
    client.close();
  }
});

t.test('a client of another version than the fault leaves is refused', async (t) => {
  await using lab = await startTestGateway({ faults: { handshake: () => ({ maxVersion: 'TLSv1.1' }) } });
  await t.rejects(lab.dial({ minVersion: 'TLSv1.2' }), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  t.match(await lab.events.first('tls.failed'), { reason: 'version' });
});
