import t from 'tap';
import { startSimulator } from '../../src/index.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack } from '../../src/netstack/index.ts';
import { CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { RawClient } from '../support/gateway.ts';

t.test('a flow whose last segment comes with the goodbye of its client ends, and that is told', async (t) => {
  await using sim = await startSimulator();
  const client = await RawClient.dial({ host: '127.0.0.1', port: sim.gateway.port, ca: sim.ca });
  await client.login(await sim.token());
  const answer = await client.connectTunnel();
  const own = /X-CSTP-Address: ([\d.]+)/.exec(answer ?? '')![1]!;
  const out: Buffer[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) =>
      void out.push(serializeCstp(CstpType.Data, buffer.subarray(offset, offset + length))),
    random: seededRandom(3),
    now: 0,
  });
  const send = (...more: Buffer[]): void => client.send(Buffer.concat([...out.splice(0), ...more]));
  const [intranet] = sim.config.services.hosts.filter((host) => host.names.includes('intranet.contoso.internal'));
  const flow = stack.connect({ localAddress: own, remoteAddress: intranet!.addresses[0]!, remotePort: 80 });
  let connected = false;
  let ended = false;
  flow.handler = {
    onConnect: () => (connected = true),
    onData: (chunk) => flow.consumed(chunk.length),
    onEnd: () => (ended = true),
    onClose: () => {},
  };
  const until = async (done: () => boolean): Promise<void> => {
    send();
    while (!done()) {
      const packet = await client.packet();
      stack.input(packet!.payload, 0, packet!.payload.length);
      stack.flush();
      if (!done()) send();
    }
  };
  await until(() => connected);
  flow.write(Buffer.from('GET /whoami HTTP/1.1\r\nHost: intranet.contoso.internal\r\nConnection: close\r\n\r\n'));
  stack.flush();
  await until(() => ended);
  flow.end();
  stack.flush();
  send(serializeCstp(CstpType.Disconnect, Buffer.from([0xb0])));
  await sim.journal.waitFor({ name: 'resource.end' });
  await sim.journal.waitFor({ name: 'session.disconnect' });
  t.strictSame(
    Array.from(sim.network.stack.flows, ({ state }) => state),
    [],
  );
  client.close();
  stack.close();
});
