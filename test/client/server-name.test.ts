import t from 'tap';
import { sniName } from '../../src/lib/endpoint.ts';
import { scriptedGateway, welcome } from '../support/scripted-gateway.ts';

t.test('SNI names a host, never an address, and has no dot at its end', async (t) => {
  t.equal(sniName('vpn.contoso.com'), 'vpn.contoso.com');
  t.equal(sniName('vpn.contoso.com.'), 'vpn.contoso.com');
  for (const address of ['10.0.0.1', '::1', 'fd00::1', '']) t.equal(sniName(address), undefined, address);
});

t.test('a gateway at an address gets no SNI, and its certificate has to be for the address', async (t) => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  const server = `https://127.0.0.1:${gateway.port}`;
  for (const changes of [{ server }, { server, serverName: '127.0.0.1' }, { serverName: '127.0.0.1' }]) {
    const client = await gateway.connect(changes);
    t.equal(gateway.accepted.at(-1)!.servername, false, JSON.stringify(changes));
    await client.close();
  }
  for (const serverName of ['127.0.0.2', 'other.contoso.internal']) {
    await t.rejects(gateway.connect({ server, serverName }), { code: 'ERR_CLIENT_UNTRUSTED' }, serverName);
  }
  t.strictSame(warnings, []);
});

t.test('a gateway with a name gets it, or the one that is asked for', async (t) => {
  await using gateway = await scriptedGateway((socket) => welcome(socket));
  const cases: [Parameters<typeof gateway.connect>[0], string][] = [
    [{}, 'localhost'],
    [{ serverName: 'localhost.' }, 'localhost'],
    [{ server: `https://127.0.0.1:${gateway.port}`, serverName: 'vpn.contoso.internal' }, 'vpn.contoso.internal'],
  ];
  for (const [changes, name] of cases) {
    const client = await gateway.connect(changes);
    t.equal(gateway.accepted.at(-1)!.servername, name);
    await client.close();
  }
});
