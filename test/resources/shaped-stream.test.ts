import { duplexPair } from 'node:stream';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { ShapedStream } from '../../src/resources/shaped-stream.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A service behind a line, and the client before it. */
function setup(shape: ConstructorParameters<typeof ShapedStream>[1], sent?: () => number) {
  const clock = new ManualClock();
  const [client, flow] = duplexPair();
  const service = new ShapedStream(flow, shape, clock, sent);
  const got = { client: '', service: '' };
  client.on('data', (chunk: Buffer) => {
    got.client += chunk.toString();
  });
  service.on('data', (chunk: Buffer) => {
    got.service += chunk.toString();
  });
  client.on('error', () => {});
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1);
      await turn();
    }
  };
  return { clock, client, service, got, pass, flow };
}

t.test('bytes take their time, in each direction, and nothing is lost', async (t) => {
  const { client, service, got, pass } = setup({ kbps: 80 });
  service.end('x'.repeat(1000));
  client.end('y'.repeat(100));
  await pass(5);
  t.strictSame(got, { client: '', service: '' });
  await pass(60);
  t.equal(got.client.length, 500, 'a piece of 50 ms');
  t.equal(got.service.length, 100);
  await pass(60);
  t.equal(got.client.length, 1000);
  t.ok(service.readableEnded, 'and the end comes after it');
  t.ok(client.readableEnded);
});

t.test('what is on its way keeps its order, however long each piece takes', async (t) => {
  const delays = [30, 5, 20];
  const { service, got, pass } = setup({ latency: () => delays.shift() ?? 0 });
  for (const text of ['a', 'b', 'c']) service.write(text);
  await pass(29);
  t.equal(got.client, '');
  await pass(60);
  t.equal(got.client, 'abc');
});

t.test('after so many bytes the connection breaks, and what is beyond them never comes', async (t) => {
  let sent = 0;
  const { client, service, got, pass, flow } = setup({ resetAfter: 7 }, () => sent);
  const error = new Promise<Error>((resolve) => service.once('error', resolve));
  service.write('12345');
  service.write('67890');
  await pass(20);
  t.notOk(service.destroyed, 'not before the last of them has gone');
  sent = 7;
  await pass(10);
  t.match(await error, /reset by a fault rule/);
  t.equal(got.client, '1234567');
  t.ok(flow.destroyed);
  client.destroy();
});

t.test('a client that takes nothing puts off the reset for ten seconds, and no longer', async (t) => {
  const { clock, client, service, flow } = setup({ resetAfter: 2 }, () => 0);
  const error = new Promise<Error>((resolve) => service.once('error', resolve));
  service.write('12345');
  await turn();
  clock.advance(9_990);
  t.notOk(service.destroyed);
  clock.advance(15);
  t.match(await error, /reset by a fault rule/);
  t.ok(flow.destroyed);
  client.destroy();
});

t.test('who goes away ends it, and no timer is left', async (t) => {
  const { clock, service, flow, pass } = setup({ kbps: 8 });
  service.on('error', () => {});
  service.write('x'.repeat(1000));
  flow.destroy();
  await pass(2);
  t.ok(service.destroyed);
  t.equal(clock.pending, 0);
});

t.test('a client that sends more than the line takes has to wait', async (t) => {
  const { client, got, pass } = setup({ kbps: 8 });
  let accepted = 0;
  const push = (): void => {
    while (accepted < 1000 && client.write(Buffer.alloc(1000))) accepted++;
  };
  client.on('drain', push);
  push();
  await pass(50);
  t.ok(accepted < 200, `${accepted} of 1000`);
  t.ok(got.service.length <= 50);
  client.destroy();
});
