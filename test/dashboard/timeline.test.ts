import fc from 'fast-check';
import t from 'tap';
import { connectionOf } from '../../src/dashboard/page/core/belongs.js';
import { buildTimeline, layOut, limitsOf, ticks, within, zoom } from '../../src/dashboard/page/core/timeline.js';

let seq = 0;
const event = (time: number, name: string, fields: Record<string, unknown> = {}, level = 'info') => {
  seq += 1;
  return { seq, time, name, level, text: name, fields };
};

const story = () => [
  event(1000, 'tls.connect'),
  event(1001, 'auth.accepted', { session: 'k' }),
  event(1002, 'session.connect', { session: 'k' }),
  event(1002, 'channel.cstp.open', { cipher: 'A' }),
  event(1050, 'channel.dtls.open', { cipher: 'B' }),
  event(1051, 'channel.switch', { to: 'dtls' }),
  event(2000, 'resource.request', { request: 'r1', decision: 'allow' }),
  event(2001, 'resource.request', { request: 'r2', decision: 'allow' }),
  event(2002, 'resource.request', { request: 'r3', decision: 'deny' }),
  event(2500, 'fault.injected'),
  event(3000, 'channel.switch', { to: 'cstp' }),
  event(3500, 'resource.end', { request: 'r1', outcome: 'broken' }),
  event(4000, 'channel.dtls.close'),
  event(5000, 'session.disconnect', {}),
];

t.test('a session is told in lanes: what lasted, and what happened', async (t) => {
  const { lanes, from, to } = buildTimeline(story(), 9_999_999);
  t.strictSame([from, to], [1000, 5000], 'it ends with the session, not now');
  const lane = (id: string) => lanes.find((one) => one.id === id)!;
  t.match(lane('data').spans, [
    { from: 1002, to: 1051, tone: 'cstp' },
    { from: 1051, to: 3000, tone: 'dtls' },
    { from: 3000, to: 5000, tone: 'cstp', open: false },
  ]);
  t.match(lane('dtls').spans, [
    { from: 1002, to: 1050, label: 'waiting for DTLS' },
    { from: 1050, to: 4000, label: 'DTLS (B)' },
  ]);
  t.match(lane('flows').spans, [
    { from: 2000, to: 3500, tone: 'bad', row: 0 },
    { from: 2001, open: true, row: 1 },
  ]);
  t.match(lane('flows').marks, [{ at: 2002, tone: 'bad' }], 'what was denied is a point');
  t.match(lane('faults').marks, [{ at: 2500, tone: 'fault' }]);
  t.equal(lane('session').marks.length, 2);
});

t.test('what goes on ends now, and a session that came back goes on', async (t) => {
  const events = [...story(), event(6000, 'session.connect', { session: 'k' })];
  const { lanes, to } = buildTimeline(events, 9000);
  t.equal(to, 9000);
  t.match(lanes.find(({ id }) => id === 'session')!.spans.at(-1), { from: 6000, to: 9000, open: true });
});

t.test('what is drawn is bounded by the width, and the gravest of what is drawn as one is seen', async (t) => {
  const events = [event(0, 'session.connect')];
  for (let i = 0; i < 20_000; i++) {
    events.push(event(i, 'dns.query'), event(i, 'resource.request', { request: `r${i}`, decision: 'allow' }));
    events.push(event(i + 1, 'resource.end', { request: `r${i}`, outcome: 'completed' }));
  }
  events.push(event(10_000, 'dns.query', {}, 'error'));
  const { lanes, from, to } = buildTimeline(events, 20_000);
  let drawn = 0;
  for (const lane of lanes) {
    const { marks, spans } = layOut(lane, { from, to }, 1000);
    drawn += marks.length + spans.length;
    for (const { x } of [...marks, ...spans]) t.ok(x >= 0 && x <= 1000 + 1);
  }
  t.ok(drawn < 1000, `${drawn} things`);
  const dns = layOut(lanes.find(({ id }) => id === 'dns')!, { from, to }, 1000);
  t.ok(dns.marks.some(({ tone }) => tone === 'bad'));
  t.equal(
    dns.marks.reduce((sum, { count }) => sum + count, 0),
    20_001,
  );
});

t.test('views stay within the timeline, however they are zoomed and moved', async (t) => {
  const limits = { from: 1000, to: 2000 };
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0, max: 3000, noNaN: true })),
        { maxLength: 20 },
      ),
      (steps) => {
        let view = { ...limits };
        for (const [factor, at] of steps) {
          view = zoom(view, factor, Math.min(view.to, Math.max(view.from, at)), limits);
          t.ok(view.from >= limits.from - 1e-6 && view.to <= limits.to + 1e-6 && view.to - view.from >= 1.99);
        }
      },
    ),
    { numRuns: 100 },
  );
  t.strictSame(within({ from: 500, to: 800 }, limits), { from: 1000, to: 1300 });
  t.strictSame(within({ from: 0, to: 9000 }, limits), limits);
  for (const length of [1, 50, 1e3, 1e6, 1e9, 1e12]) {
    const found = ticks({ from: 0, to: length }, 900, 0);
    t.ok(found.length <= 12, `${found.length} at ${length}`);
  }
});

t.test('the steps of a connection are those since its port was used by another', async (t) => {
  const events = [
    event(1, 'tls.connect'),
    event(2, 'auth.accepted', { session: 'other' }),
    event(3, 'tls.connect'),
    event(4, 'http.request'),
    event(5, 'auth.accepted', { session: 'k' }),
  ];
  t.strictSame(
    connectionOf(events, 'k').map(({ time }: { time: number }) => time),
    [3, 4, 5],
  );
  t.strictSame(connectionOf(events.slice(1, 2), 'k'), []);
});

t.test('a session that goes on is drawn to the same scale for a while', async (t) => {
  const ends = new Set<number>();
  for (let to = 60_000; to < 120_000; to += 1_000) {
    const limits = limitsOf({ from: 0, to });
    ends.add(limits.to);
    t.ok(limits.from < 0 && limits.to - to >= to * 0.03 && limits.to - to <= to * 0.07, `${to} in ${limits.to}`);
  }
  t.ok(ends.size <= 40, `${ends.size} scales in 60 seconds`);
});
