import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { DescriptorWatch } from '../../src/gateway/descriptors.ts';
import { Events, RawClient } from '../support/gateway.ts';

t.test('the last descriptors are told once, and again after it was better', async (t) => {
  const events = new Events();
  const watch = new DescriptorWatch(100, events.emit);
  const told = (descriptor: number | undefined): number => {
    watch.accepted(descriptor);
    return events.of('gateway.descriptors').length;
  };
  t.equal(told(91), 0);
  t.equal(told(92), 1);
  t.equal(told(99), 1);
  t.equal(told(88), 1, 'hardly better');
  t.equal(told(95), 1);
  t.equal(told(30), 1);
  t.equal(told(95), 2);
  t.equal(told(undefined), 2);
  t.equal(watch.accepted(91), false);
  t.equal(watch.accepted(92), true, 'somebody has to go for it');
  t.equal(watch.accepted(undefined), false);
  t.match(events.of('gateway.descriptors')[0], { limit: 100, explanation: /^7 of the 100 / });
});

t.test('an error while accepting is told in words', async (t) => {
  const events = new Events();
  const watch = new DescriptorWatch(undefined, events.emit);
  watch.accepted(5000);
  watch.failed(Object.assign(new Error(), { code: 'EMFILE' }));
  t.match(events.of('gateway.descriptors'), [{ limit: undefined, explanation: /no file descriptor is left/ }]);
});

/** A gateway that may have 64 descriptors. */
async function smallGateway(t: Test) {
  const script = join(import.meta.dirname, '../support/gateway-process.ts');
  const child = spawn('sh', ['-c', `ulimit -n 64 && exec "$0" "$1"`, process.execPath, script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  t.teardown(async () => {
    child.stdin.end();
    await once(child, 'exit');
  });
  return {
    port,
    dial: () => RawClient.dial({ host: '127.0.0.1', port, rejectUnauthorized: false }),
    /** The next event that begins so. */
    async told(beginning: string): Promise<string> {
      for (;;) {
        const line = String((await lines.next()).value);
        if (line.startsWith(beginning)) return line;
      }
    },
  };
}

const linuxOnly = { skip: process.platform !== 'linux' };

t.test('sessions that take the last descriptors are told of, and leave some', linuxOnly, async (t) => {
  const gateway = await smallGateway(t);
  const clients: RawClient[] = [];
  const join = async (): Promise<boolean> => {
    try {
      const client = await gateway.dial();
      clients.push(client);
      await client.login();
      return (await client.connectTunnel()) !== undefined;
    } catch {
      return false;
    }
  };
  while (await join()) t.ok(clients.length < 64, `${clients.length}`);
  t.match(await gateway.told('gateway.descriptors'), /of the 64 file descriptors/);
  t.match(await gateway.told('http.rejected'), /"descriptors".*all open connections have authenticated/);
  for (const client of clients) client.close();
});

t.test('strangers take no more than half of the descriptors, and make room for others', linuxOnly, async (t) => {
  const gateway = await smallGateway(t);
  const sockets: Socket[] = [];
  for (let i = 0; i < 100; i++) {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  t.match(await gateway.told('http.rejected'), /"pending".*32 connections have no tunnel/);
  const client = await gateway.dial();
  await client.login();
  t.match(await client.connectTunnel(), /^HTTP\/1\.1 200 CONNECTED/);
  client.close();
  for (const socket of sockets) socket.destroy();
});
