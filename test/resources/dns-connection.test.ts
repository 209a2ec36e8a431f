import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { DNS_IDLE_MS, MAX_DNS_QUERY_BYTES } from '../../src/resources/constants.ts';
import { serveDnsConnection } from '../../src/resources/dns-connection.ts';
import { DnsFramer, lengthOf } from '../../src/wire/dns-stream.ts';

const framed = (text: string): Buffer => Buffer.concat([lengthOf(Buffer.from(text)), Buffer.from(text)]);
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A connection to a server with these answers, and the messages that came back. */
function connection(answer: Parameters<typeof serveDnsConnection>[2]) {
  const [client, stream] = duplexPair({ highWaterMark: 4_096 }) as [Duplex, Duplex];
  const clock = new ManualClock();
  const answers: string[] = [];
  const framer = new DnsFramer(0xffff);
  const read = (): void =>
    void client.on('data', (chunk: Buffer) => framer.push(chunk, (message) => answers.push(message.toString())));
  serveDnsConnection(stream, clock, answer);
  return { client, stream, clock, answers, read };
}

t.test('a client that does not read is not read from, and gets every answer when it does', async (t) => {
  let asked = 0;
  const { client, answers, read } = connection(() => {
    asked++;
    return Buffer.alloc(1_000, 1);
  });
  client.write(Buffer.concat(Array.from({ length: 10_000 }, () => framed('a question of twenty'))));
  await turns(50);
  t.ok(asked < 1_000, `${asked} questions were taken`);
  read();
  while (answers.length < 10_000) await once(client, 'data');
  t.equal(asked, 10_000);
});

t.test('answers go as soon as they are there, and the connection ends after the last', async (t) => {
  const slow = Promise.withResolvers<Buffer>();
  const { client, clock, answers, read, stream } = connection((message) =>
    message.toString() === 'slow' ? slow.promise : Buffer.from(`answer to ${message.toString()}`),
  );
  read();
  client.end(Buffer.concat([framed('slow'), framed('quick')]));
  await turns(5);
  t.same(answers, ['answer to quick']);
  clock.advance(3 * DNS_IDLE_MS);
  await turns(5);
  t.notOk(stream.destroyed, 'who waits for an answer is not idle');
  slow.resolve(Buffer.from('at last'));
  await once(client, 'end');
  t.same(answers, ['answer to quick', 'at last']);
});

t.test('who says nothing is cut off, and who says too much', async (t) => {
  const idle = connection(() => undefined);
  idle.clock.advance(DNS_IDLE_MS);
  await turns(5);
  t.ok(idle.stream.destroyed);
  const long = connection(() => undefined);
  long.client.write(Buffer.of((MAX_DNS_QUERY_BYTES + 1) >> 8, (MAX_DNS_QUERY_BYTES + 1) & 0xff));
  await turns(5);
  t.ok(long.stream.destroyed);
});

t.test('an answer that comes when the client has gone goes nowhere', async (t) => {
  const late = Promise.withResolvers<Buffer>();
  const { client, stream } = connection(() => late.promise);
  client.write(framed('question'));
  await turns(5);
  stream.destroy();
  late.resolve(Buffer.from('too late'));
  await turns(5);
  t.ok(stream.destroyed);
});
