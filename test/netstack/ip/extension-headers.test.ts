import t from 'tap';
import { type HeaderChain, walkHeaders } from '../../../src/netstack/ip/extension-headers.ts';

const [HOP, ROUTING, FRAGMENT, OPTIONS, MOBILITY, NONE, UDP] = [0, 43, 44, 60, 135, 59, 17];

interface Header {
  readonly type: number;
  /** In units of eight bytes. */
  readonly length?: number;
  /** Fourth byte: of a routing header, stops that are left. */
  readonly fourth?: number;
}

const OFFSET = 3;

/** An IPv6 packet at an offset, with headers and so many bytes of what they carry. */
function packet(headers: readonly Header[], protocol = UDP, payload = 8): { buffer: Buffer; end: number } {
  const parts = headers.map(({ length = 1, fourth = 0 }, i) => {
    const part = Buffer.alloc(length * 8);
    part[0] = headers[i + 1]?.type ?? protocol;
    part[1] = length - 1;
    part[3] = fourth;
    return part;
  });
  const fixed = Buffer.alloc(40);
  fixed[6] = headers[0]?.type ?? protocol;
  const buffer = Buffer.concat([Buffer.alloc(OFFSET, 0xff), fixed, ...parts, Buffer.alloc(payload)]);
  return { buffer, end: buffer.length };
}

/** What is found, with places relative to the packet; undefined when it is refused. */
function walk({ buffer, end }: { buffer: Buffer; end: number }): HeaderChain | undefined {
  const chain: HeaderChain = { protocol: -1, at: -1, nextHeaderAt: -1, fragmentAt: 7, fragmentNamedAt: 7 };
  if (!walkHeaders(buffer, OFFSET, end, chain)) return undefined;
  const { protocol, at, nextHeaderAt, fragmentAt, fragmentNamedAt } = chain;
  const relative = (place: number): number => (place < 0 ? place : place - OFFSET);
  return {
    protocol,
    at: relative(at),
    nextHeaderAt: relative(nextHeaderAt),
    fragmentAt: relative(fragmentAt),
    fragmentNamedAt: relative(fragmentNamedAt),
  };
}

const whole = { fragmentAt: -1, fragmentNamedAt: -1 };

t.test(
  'each kind of header is skipped by its length, and what follows is found with the byte that names it',
  async (t) => {
    t.strictSame(walk(packet([])), { protocol: UDP, at: 40, nextHeaderAt: 6, ...whole });
    for (const type of [HOP, ROUTING, OPTIONS, MOBILITY]) {
      t.strictSame(walk(packet([{ type }])), { protocol: UDP, at: 48, nextHeaderAt: 40, ...whole }, `${type}`);
      const long = walk(packet([{ type, length: 3 }, { type: OPTIONS }]));
      t.strictSame(long, { protocol: UDP, at: 72, nextHeaderAt: 64, ...whole }, `${type}, long`);
    }
  },
);

t.test('a fragment header ends the walk: it tells what is fragmented', async (t) => {
  const found = { protocol: UDP, at: 56, nextHeaderAt: 48, fragmentAt: 48, fragmentNamedAt: 40 };
  t.strictSame(walk(packet([{ type: OPTIONS }, { type: FRAGMENT }])), found);
  t.strictSame(walk(packet([{ type: FRAGMENT }], OPTIONS)), {
    protocol: OPTIONS,
    at: 48,
    nextHeaderAt: 40,
    fragmentAt: 40,
    fragmentNamedAt: 6,
  });
});

t.test('hop-by-hop options stand first or not at all', async (t) => {
  t.ok(walk(packet([{ type: HOP }, { type: OPTIONS }])));
  t.equal(walk(packet([{ type: OPTIONS }, { type: HOP }])), undefined);
  t.equal(walk(packet([{ type: HOP }, { type: HOP }])), undefined);
});

t.test('a source route is refused while it has stops left', async (t) => {
  t.ok(walk(packet([{ type: ROUTING, fourth: 0 }])));
  t.equal(walk(packet([{ type: ROUTING, fourth: 1 }])), undefined);
  t.ok(walk(packet([{ type: OPTIONS, fourth: 1 }])), 'of others that byte is their own');
});

t.test('“no next header” leads nowhere', async (t) => {
  t.equal(walk(packet([], NONE)), undefined);
  t.equal(walk(packet([{ type: OPTIONS }], NONE)), undefined);
});

t.test('a chain may have eight headers, and no more', async (t) => {
  const chain = (count: number) => packet(Array.from({ length: count }, () => ({ type: OPTIONS })));
  t.equal(walk(chain(8))?.at, 40 + 64);
  t.equal(walk(chain(9)), undefined);
});

t.test('nothing is read beyond the end of the packet', async (t) => {
  const bare = (headers: readonly Header[], cut = 0) => {
    const { buffer, end } = packet(headers, UDP, 0);
    return walk({ buffer: Buffer.concat([buffer, Buffer.alloc(64, UDP)]), end: end - cut });
  };
  for (const type of [OPTIONS, FRAGMENT]) {
    t.equal(bare([{ type }])?.protocol, UDP, `${type} that fills the packet`);
    t.equal(bare([{ type }], 1), undefined, `${type} that is cut off`);
  }
  t.ok(bare([{ type: OPTIONS, length: 2 }]));
  t.equal(bare([{ type: OPTIONS, length: 2 }], 1), undefined, 'a length that reaches beyond');
  t.equal(bare([{ type: OPTIONS, length: 2 }], 8), undefined);
});
