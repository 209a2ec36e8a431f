import t from 'tap';
import { freeNumber } from '../../src/netstack/core/free-number.ts';
import { createNetstack, type Netstack, seededRandom } from '../../src/netstack/index.ts';

const ENDS = { localAddress: '10.0.0.2', remoteAddress: '10.0.0.1' };

/** Draws the same number each time, as happens by chance. */
const stuck = { ...seededRandom(2), uint32: () => 7 };

/** How each kind of flow is opened without a number, and the number that it got. */
const kinds: { name: string; first: number; count: number; open: (stack: Netstack, remotePort?: number) => number }[] =
  [
    {
      name: 'UDP',
      first: 49_152,
      count: 16_384,
      open: (stack, remotePort = 53) => stack.openUdp({ ...ENDS, remotePort }, () => {}).localPort,
    },
    {
      name: 'TCP',
      first: 49_152,
      count: 16_384,
      open: (stack, remotePort = 80) => stack.connect({ ...ENDS, remotePort }).localPort,
    },
    { name: 'echo', first: 0, count: 65_536, open: (stack) => stack.openEcho(ENDS, () => {}).id },
  ];

const stackWith = (random = stuck): Netstack =>
  createNetstack({ output: () => {}, random, now: 0, limits: { udpFlows: 100_000, tcpFlows: 100_000 } });

for (const { name, first, count, open } of kinds) {
  t.test(`${name}: flows that are opened without a number never collide`, async (t) => {
    const stack = stackWith();
    const numbers = Array.from({ length: 500 }, () => open(stack));
    t.strictSame(
      numbers,
      Array.from({ length: 500 }, (_, i) => first + 7 + i),
    );
    stack.close();
  });

  t.test(`${name}: the number is drawn from the whole range by the random source`, async (t) => {
    const stack = stackWith(seededRandom(5));
    const again = stackWith(seededRandom(5));
    const numbers = Array.from({ length: 1000 }, () => open(stack));
    t.equal(new Set(numbers).size, 1000);
    t.ok(numbers.every((number) => number >= first && number < first + count));
    // A thousand draws leave none of the eighths of the range out.
    t.equal(new Set(numbers.map((number) => Math.floor((8 * (number - first)) / count))).size, 8);
    t.ok(numbers.filter((number, i) => number === numbers[i - 1]! + 1).length < 20, 'they do not follow one another');
    t.strictSame(
      Array.from({ length: 1000 }, () => open(again)),
      numbers,
      'a seed repeats them',
    );
    stack.close();
    again.close();
  });
}

t.test('when every number is taken, that is said', async (t) => {
  const range = { first: 100, count: 64, name: 'test numbers' };
  const taken = new Set<number>();
  for (let i = 0; i < 64; i++) {
    taken.add(freeNumber(seededRandom(i), range, (number) => taken.has(number), undefined));
  }
  t.equal(taken.size, 64);
  t.equal(Math.min(...taken), 100);
  t.equal(Math.max(...taken), 163);
  let asked = 0;
  const full = (): boolean => {
    asked++;
    return true;
  };
  t.throws(() => freeNumber(seededRandom(1), range, full, undefined), {
    code: 'ERR_NETSTACK_PORT_IN_USE',
    message: 'All 64 test numbers between these two ends are in use.',
    hint: /Close unneeded flows/,
  });
  t.equal(asked, 64);
});

t.test(
  'a stack with every port taken says so, goes on with other ends, and takes a port again that became free',
  async (t) => {
    const stack = stackWith(seededRandom(3));
    const flows = Array.from({ length: 16_384 }, () => stack.openUdp({ ...ENDS, remotePort: 53 }, () => {}));
    t.throws(() => stack.openUdp({ ...ENDS, remotePort: 53 }, () => {}), {
      code: 'ERR_NETSTACK_PORT_IN_USE',
      message: /All 16384 ephemeral ports/,
    });
    t.ok(stack.openUdp({ ...ENDS, remotePort: 54 }, () => {}).localPort >= 49_152);
    flows[1000]!.close();
    t.equal(stack.openUdp({ ...ENDS, remotePort: 53 }, () => {}).localPort, flows[1000]!.localPort);
    stack.close();
  },
);

t.test('a number that is asked for is taken, if it is free', async (t) => {
  const stack = stackWith();
  t.equal(stack.openUdp({ ...ENDS, localPort: 1234, remotePort: 53 }, () => {}).localPort, 1234);
  t.throws(() => stack.openUdp({ ...ENDS, localPort: 1234, remotePort: 53 }, () => {}), {
    code: 'ERR_NETSTACK_PORT_IN_USE',
  });
  t.equal(stack.openUdp({ ...ENDS, localPort: 0, remotePort: 53 }, () => {}).localPort, 49_159, '0 is any');
  t.equal(stack.connect({ ...ENDS, localPort: 1234, remotePort: 53 }).localPort, 1234);
  t.throws(() => stack.connect({ ...ENDS, localPort: 1234, remotePort: 53 }), { code: 'ERR_NETSTACK_PORT_IN_USE' });
  t.equal(stack.openEcho({ ...ENDS, id: 0 }, () => {}).id, 0, 'an identifier like any other');
  t.throws(() => stack.openEcho({ ...ENDS, id: 0 }, () => {}), { code: 'ERR_NETSTACK_PORT_IN_USE' });
  stack.close();
});

t.test('a mapping of our own making sends from its own end', async (t) => {
  const sent: Buffer[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => sent.push(Buffer.from(buffer.subarray(offset, offset + length))),
    random: stuck,
    now: 0,
  });
  const flow = stack.openUdp({ ...ENDS, remotePort: 53 }, () => {});
  t.equal(flow.localAddress, ENDS.localAddress);
  t.ok(flow.send(Buffer.from('x')));
  t.equal(sent[0]!.subarray(12, 16).join('.'), ENDS.localAddress);
  t.equal(sent[0]!.readUInt16BE(20), flow.localPort);
  stack.close();
});
