import t from 'tap';
import { systemCarrier } from '../../../src/client/core/carrier.ts';
import { ControlConnection } from '../../../src/client/core/control-connection.ts';
import { agreedDtls, dtlsWishHeaders } from '../../../src/client/core/dtls-wish.ts';
import { trust } from '../../../src/client/core/trust.ts';
import { systemNetwork } from '../../../src/network/index.ts';
import { HANDSHAKE_PIECE } from '../../../src/tls/constants.ts';
import { echoGateway, LightLab } from '../../support/light-lab.ts';
import { countRecords } from '../../support/record-counter.ts';

/* What keeps a client small: no block of 16 KiB in TLS, no pool of Node's that a few bytes keep whole, and no object for each certificate of a chain. */

t.test('no record of a login is longer than the block that Node’s TLS begins with', async (t) => {
  const gateway = await echoGateway();
  t.teardown(() => gateway[Symbol.asyncDispose]());
  await using counter = await countRecords(gateway.port, 'client');
  await using lab = new LightLab(
    { port: counter.port, caPem: gateway.caPem },
    { token: 'good', userAgent: 'a'.repeat(5_000), dtls: 'off' },
  );
  await lab.client.connect();
  const lengths = counter.records.map(({ length }) => length);
  t.ok(Math.max(...lengths) <= HANDSHAKE_PIECE, `${Math.max(...lengths)} bytes is the longest`);
  t.ok(lengths.length > 15, 'the requests went in pieces');
  t.equal(await lab.echo(), 'tls tls', 'and the tunnel works');
});

t.test('a request that no gateway takes is refused before it is sent', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(
    { port: gateway.port, caPem: gateway.caPem },
    { token: 'x'.repeat(300_000), dtls: 'off' },
  );
  await t.rejects(lab.client.connect(), { code: 'ERR_CLIENT_SIGN_IN', message: /300\d{3} bytes/, hint: /token/ });
});

t.test('what is kept of an agreement on DTLS holds no pool', async (t) => {
  const tls = { exportKeyingMaterial: () => Buffer.alloc(32, 1) };
  const offer = { cipher: 'PSK-NEGOTIATE', appId: 'ab'.repeat(32), port: 443, dpd: 90, keepalive: 0 };
  t.ok(dtlsWishHeaders('psk', undefined).length > 0);
  const agreed = agreedDtls(offer as never, tls as never, undefined)!;
  t.equal(agreed.id.length, 32);
  t.not(agreed.id.buffer, Buffer.from('ab'.repeat(32), 'hex').buffer);
});

t.test('a socket for datagrams keeps nothing of what it has sent', async (t) => {
  const socket = await systemNetwork.openDatagrams(
    { host: '127.0.0.1', port: 0, maxDatagram: 2048, receiver: { onDatagram() {}, onBatchEnd() {} } },
    false,
  );
  t.teardown(() => socket.close());
  socket.send(Buffer.from('hello'), 0, 5, socket.endpoint('127.0.0.1', socket.port));
  t.equal(socket.reserved.length, 0);
});

t.test('no object of the gateway’s certificate is created, and its names are checked all the same', async (t) => {
  await using gateway = await echoGateway();
  const open = (serverName: string): Promise<ControlConnection> =>
    ControlConnection.open({
      host: '127.0.0.1',
      port: gateway.port,
      carrier: systemCarrier,
      secureContext: trust(gateway.caPem),
      serverName,
      signal: AbortSignal.timeout(30_000),
    });
  const connection = await open('localhost');
  t.teardown(() => connection.close());
  t.strictSame(connection.socket.getPeerCertificate(true), {});
  await t.rejects(open('elsewhere.contoso.internal'), { code: 'ERR_CLIENT_UNTRUSTED', message: /altnames/ });
});
