import { Buffer } from 'node:buffer';
import t from 'tap';
import { collectGarbage } from '../../bench/lib/garbage.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, type NetstackLimits, type UdpFlowRequest } from '../../src/netstack/index.ts';
import { IpProtocol, serializeIp } from '../support/packets/ip.ts';
import { serializeUdp } from '../support/packets/udp.ts';

const make = (limits: Partial<NetstackLimits> = {}) => {
  const requests: UdpFlowRequest[] = [];
  const sent: Buffer[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => sent.push(Buffer.from(buffer.subarray(offset, offset + length))),
    random: seededRandom(1),
    now: 0,
    limits,
    onUdp: (request) => requests.push(request),
  });
  const send = (text: string, sourcePort = 4000, destinationPort = 53): void => {
    const ends = { source: '10.0.0.2', destination: '10.0.0.1' };
    const payload = serializeUdp({ sourcePort, destinationPort, payload: Buffer.from(text) }, ends);
    const packet = serializeIp({ version: 4, ...ends, protocol: IpProtocol.Udp, payload });
    stack.input(packet, 0, packet.length);
  };
  return { stack, requests, sent, send };
};

t.test('an owner that takes its time is asked once, and then gets all that came meanwhile in order', async (t) => {
  const { stack, requests, send } = make();
  send('one');
  send('two', 4000, 54);
  send('three');
  t.equal(requests.length, 1);
  const heard: string[] = [];
  requests[0]!.accept((payload, address, port) => heard.push(`${payload} ${address}:${port}`));
  t.same(heard, ['one 10.0.0.1:53', 'two 10.0.0.1:54', 'three 10.0.0.1:53']);
  send('four');
  t.equal(heard.length, 4);
  t.equal(requests.length, 1);
  t.equal(stack.stats().udpFlows, 1);
});

t.test('what waits is bounded, and the rest counted', async (t) => {
  const { stack, requests, send } = make();
  for (let i = 0; i < 20; i++) send(`${i}`);
  let heard = 0;
  requests[0]!.accept(() => heard++);
  t.equal(heard, 8);
  t.equal(stack.stats().dropUdpPending, 12);
});

t.test('requests that wait count towards the cap', async (t) => {
  const { stack, requests, send } = make({ udpFlows: 3 });
  for (let port = 1; port <= 5; port++) send('x', port);
  t.equal(requests.length, 3);
  t.equal(stack.stats().refusedUdpFlows, 2);
  requests[0]!.drop();
  send('x', 6);
  t.equal(requests.length, 4, 'a decision makes room');
});

t.test('a request that is never decided is forgotten after the idle time, or with its peer', async (t) => {
  const { stack, requests, send } = make({ udpIdle: 1000 });
  send('one');
  t.equal(stack.nextDeadline, 1000);
  stack.tick(1000);
  t.equal(stack.nextDeadline, Number.POSITIVE_INFINITY);
  requests[0]!.accept(() => t.fail('nothing is delivered any more'));
  t.equal(stack.stats().udpFlows, 0, 'a late word opens nothing');
  send('two');
  t.equal(requests.length, 2, 'the remote end may ask anew');
  stack.forget('10.0.0.2');
  t.equal(stack.nextDeadline, Number.POSITIVE_INFINITY);
});

t.test('only the first word counts', async (t) => {
  const { stack, requests, sent, send } = make();
  send('one');
  const first = requests[0]!.accept(() => {});
  requests[0]!.refuse();
  requests[0]!.accept(() => t.fail('nothing is delivered twice'));
  t.same(sent, []);
  t.equal(stack.stats().udpFlows, 1);
  first.close();
  t.equal(stack.stats().udpFlows, 0);
});

t.test('a request that its owner keeps after the word holds nothing of its packets', async (t) => {
  const { requests, send } = make();
  const payloads: WeakRef<Buffer>[] = [];
  for (let port = 1; port <= 5; port++) {
    send('first', port);
    send('second', port);
    requests.at(-1)!.accept((payload) => payloads.push(new WeakRef(payload)));
  }
  for (let i = 0; i < 100 && payloads.some((payload) => payload.deref()); i++) {
    // What a weak reference was asked for lives until the turn's end.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  t.equal(payloads.length, 10);
  t.equal(requests.length, 5);
  t.strictSame(
    payloads.filter((payload) => payload.deref()),
    [],
  );
});
