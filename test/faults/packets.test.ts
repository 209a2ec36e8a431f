import fc from 'fast-check';
import t from 'tap';
import { FaultEngine, type FaultRuleInput } from '../../src/faults/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { endpointOf } from '../../src/udp/index.ts';
import { Events } from '../support/gateway.ts';

/** An IPv4 packet of TCP or UDP between a client and 10.20.0.10. */
function packet({
  protocol = 6,
  length = 60,
  direction = 'in' as 'in' | 'out',
  port = 443,
  flags = 0x10,
  fragment = 0,
} = {}): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt16BE(fragment, 6);
  bytes[9] = protocol;
  const [client, host] = [
    [169, 254, 0, 2],
    [10, 20, 0, 10],
  ] as const;
  bytes.set(direction === 'in' ? client : host, 12);
  bytes.set(direction === 'in' ? host : client, 16);
  bytes.writeUInt16BE(direction === 'in' ? 50_000 : port, 20);
  bytes.writeUInt16BE(direction === 'in' ? port : 50_000, 22);
  bytes[33] = flags;
  return bytes;
}

/** An IPv6 packet with these headers before its TCP header. */
function packet6(headers: Buffer, first: number, port: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(40), headers, Buffer.alloc(20)]);
  bytes[0] = 0x60;
  bytes[6] = first;
  bytes.set([0xfd, 0x10, 0, 0x20], 24);
  bytes[39] = 0x10;
  bytes.writeUInt16BE(port, 40 + headers.length + 2);
  return bytes;
}

function seam(...rules: FaultRuleInput[]) {
  const events = new Events();
  const clock = new ManualClock();
  const faults = new FaultEngine({ clock, machine: clock, emit: events.emit, seed: 1 });
  const added = rules.map((rule) => faults.add(rule));
  const out: Buffer[] = [];
  const tooBig: number[] = [];
  const pass = (bytes: Buffer, direction: 'in' | 'out' = 'in', session = 'abc123'): boolean => {
    // In memory that is used again for the next packet, as the network behind the gateway does.
    const buffer = Buffer.concat([Buffer.alloc(16), bytes, Buffer.alloc(4)]);
    const datagram = { direction, buffer, offset: 16, length: bytes.length, remote: endpointOf('0.0.0.0', 0), session };
    const goes =
      faults.ipPackets?.pass(datagram, {
        endpoint: endpointOf,
        later: (_, late) => void out.push(late),
        tooBig: (_, mtu) => void tooBig.push(mtu),
      }) ?? true;
    if (goes) out.push(Buffer.from(buffer.subarray(16, 16 + bytes.length)));
    buffer.fill(0xee);
    return goes;
  };
  return { faults, added, clock, events, out, pass, tooBig };
}

const drop = (on: object): FaultRuleInput => ({ on: { seam: 'packet', ...on }, then: { do: 'drop' } });

t.test('packets are selected by what is in them', async (t) => {
  const selected = (on: object, bytes: Buffer, direction: 'in' | 'out' = 'in') =>
    !seam(drop(on)).pass(bytes, direction);
  t.ok(selected({ kind: 'tcp' }, packet()));
  t.notOk(selected({ kind: 'udp' }, packet()));
  t.ok(selected({ kind: 'icmp' }, packet({ protocol: 1 })));
  t.ok(selected({ kind: 'other' }, packet({ protocol: 47 })));
  t.ok(selected({ address: '10.20.0.0/16', port: 443 }, packet()));
  t.ok(selected({ address: '10.20.0.10', port: 443 }, packet({ direction: 'out' }), 'out'), 'of both directions');
  t.notOk(selected({ address: '169.254.0.2' }, packet()), 'not the client’s own');
  t.notOk(selected({ port: 50_000 }, packet()));
  t.ok(selected({ flags: ['syn', '!ack'] }, packet({ flags: 0x02 })));
  t.notOk(selected({ flags: ['syn', '!ack'] }, packet({ flags: 0x12 })));
  t.ok(selected({ flags: 'ack' }, packet()));
  t.notOk(selected({ flags: '!ack' }, packet({ protocol: 17 })), 'UDP has none');
  t.ok(selected({ length: { min: 50, max: 60 } }, packet()));
  t.ok(selected({ session: 'abc123', direction: 'in' }, packet()));
  t.notOk(selected({ direction: 'out' }, packet()));
  t.ok(selected({ kind: 'tcp', where: ({ bytes }: { bytes?: Buffer }) => bytes![33] === 0x10 }, packet()));
  const hop = Buffer.from([6, 0, 1, 4, 0, 0, 0, 0]);
  t.ok(selected({ kind: 'tcp', port: 443, address: 'fd10:20::10' }, packet6(hop, 0, 443)));
  t.ok(
    selected({ kind: 'tcp', port: 443 }, packet6(Buffer.from([6, 0, 0, 1, 0, 0, 0, 9]), 44, 443)),
    'a first fragment',
  );
  const later = Buffer.from([6, 0, 0, 0x10, 0, 0, 0, 9]);
  t.ok(selected({ kind: 'tcp' }, packet6(later, 44, 443)));
  t.notOk(selected({ port: 443 }, packet6(later, 44, 443)), 'a later fragment has no ports');
  t.notOk(selected({ port: 443 }, packet({ fragment: 100 })));
});

t.test('what waits is a copy, and is changed, held and let go as datagrams are', async (t) => {
  const { added, out, pass, clock } = seam({ on: { seam: 'packet' }, when: { times: 2 }, then: { do: 'hold' } });
  const [one, two, three] = [packet({ port: 1 }), packet({ port: 2 }), packet({ port: 3 })];
  t.strictSame(
    [one, two, three].map((bytes) => pass(bytes)),
    [false, false, true],
  );
  t.strictSame(out, [three]);
  t.equal(added[0]!.held(), 2);
  added[0]!.release(1, (bytes) => Buffer.concat([bytes, Buffer.from('!')]));
  t.strictSame(out[1], Buffer.concat([one, Buffer.from('!')]));
  added[0]!.remove();
  t.strictSame(out[2], two, 'removed while it held');
  const late = seam({ on: { seam: 'packet' }, then: { do: 'delay', ms: 10 } });
  late.pass(one);
  t.strictSame(late.out, []);
  late.clock.advance(10);
  t.strictSame(late.out, [one]);
  clock.advance(1);
});

t.test('a hold nobody releases keeps so many, and says so once', async (t) => {
  const { added, pass, events } = seam({ on: { seam: 'packet' }, then: { do: 'hold', max: 3 } });
  for (let i = 0; i < 10; i++) pass(packet());
  t.strictSame([added[0]!.held(), added[0]!.hits()], [3, 10]);
  t.equal(events.of('fault.limit').length, 1);
});

t.test('what is too long is lost, and its sender told if that is wanted', async (t) => {
  const silent = seam({ on: { seam: 'packet' }, then: { do: 'mtu_blackhole', bytes: 1000 } });
  t.strictSame([silent.pass(packet({ length: 1001 })), silent.pass(packet({ length: 1000 }))], [false, true]);
  t.strictSame(silent.tooBig, []);
  const told = seam({ on: { seam: 'packet' }, then: { do: 'mtu_blackhole', bytes: 1000, icmp: true } });
  told.pass(packet({ length: 1400 }), 'out');
  t.strictSame(told.tooBig, [1000]);
});

t.test('losses in bursts, a rate and duplicates are those of datagrams', async (t) => {
  const lossy = seam({ on: { seam: 'packet' }, when: { burst: { start: 0.1, end: 0.3 } }, then: { do: 'drop' } });
  let lost = 0;
  for (let i = 0; i < 1000; i++) if (!lossy.pass(packet())) lost++;
  t.ok(lost > 150 && lost < 350, `${lost} of 1000`);
  const twice = seam({ on: { seam: 'packet' }, then: { do: 'duplicate' } });
  twice.pass(packet());
  twice.clock.advance(1);
  t.equal(twice.out.length, 2);
  const slow = seam({ on: { seam: 'packet' }, then: { do: 'rate', kbps: 8, queue: 100 } });
  for (let i = 0; i < 5; i++) slow.pass(packet({ length: 60 }));
  slow.clock.advance(60);
  t.equal(slow.out.length, 1, 'a byte each millisecond');
  slow.clock.advance(1000);
  t.equal(slow.out.length, 2, 'what would wait for more than 100 ms was lost');
});

t.test('whatever bytes come, the seam throws nothing and reads nothing beyond them', async (t) => {
  const rules = ['tcp', 'udp', 'icmp', 'other'].map((kind) => ({ ...drop({ kind }), when: { skip: 1_000_000 } }));
  const { pass } = seam(
    ...rules,
    { ...drop({ port: 443, address: ['10.0.0.0/8', 'fd00::/8'] }), when: { skip: 1_000_000 } },
    { ...drop({ flags: 'syn' }), when: { skip: 1_000_000 } },
  );
  const head = fc.constantFrom(0x45, 0x4f, 0x40, 0x60, 0x6f, 0x00, 0xff);
  fc.assert(
    fc.property(
      head,
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom('in' as const, 'out' as const),
      (first, rest, way) => {
        const bytes = Buffer.concat([Buffer.of(first), rest]);
        return pass(bytes, way) && pass(Buffer.alloc(0), way);
      },
    ),
    { numRuns: 500 },
  );
  const long = packet6(Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]))), 0, 443);
  t.ok(pass(long), 'a hundred extension headers');
});

t.test('rules about packets that could never match are refused, with the member that is wrong', async (t) => {
  const { faults } = seam();
  const add =
    (on: object, then: object = { do: 'drop' }) =>
    () =>
      faults.add({ on: { seam: 'packet', ...on }, then } as never);
  t.throws(add({ kind: 'icmpv6' }), { message: /the seam packet has no items of the kind "icmpv6"/ });
  t.throws(add({ remote: '192.0.2.1' }), { message: /items at the seam packet have no remote/ });
  t.throws(add({ address: 'intranet' }), { message: /rule on\.address: "intranet" is not an address/ });
  t.throws(add({ kind: 'icmp', port: 80 }), { message: /only tcp or udp have a port/ });
  t.throws(add({ kind: 'udp', flags: 'syn' }), { message: /only packets of the kind tcp have flags/ });
  t.throws(add({ flags: 'sny' }), { message: /no flag "sny".*Did you mean "syn"/ });
  t.throws(add({ flags: ['syn', '!syn'] }), { message: /syn must be both set and not set/ });
  t.throws(add({}, { do: 'nat_rebind' }), { message: /nat_rebind is not possible at the seam packet/ });
  t.throws(() => faults.add({ on: { seam: 'udp' }, then: { do: 'mtu_blackhole', bytes: 1, icmp: true } }), {
    message: /rule then\.icmp: only the sender of a packet in the tunnel can get an ICMP error/,
  });
});
