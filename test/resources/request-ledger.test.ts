import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { RequestLedger } from '../../src/resources/request-ledger.ts';
import type { AskedFor, Decision } from '../../src/resources/types.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { ALICE } from '../support/broker.ts';

const ALLOWED: Decision = {
  allow: true,
  rule: 'upstream orders',
  explanation: 'It is allowed.',
  target: { kind: 'upstream', id: 'u1', host: '127.0.0.1', port: 3000 },
};
const DENIED: Decision = {
  allow: false,
  rule: 'default-deny',
  explanation: 'Nothing allows it.',
  answer: 'prohibited',
};

const asked = (more: Partial<AskedFor> = {}): AskedFor => ({
  protocol: 'tcp',
  channel: 'dtls',
  requester: ALICE,
  source: { address: '169.254.0.2', port: 40_000 },
  destination: { address: '10.20.240.1', port: 443 },
  ...more,
});

const setup = (decide: () => Decision) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const kept = new Set<string>();
  const ledger = new RequestLedger({
    policy: decide,
    emit: telemetry.emit,
    clock,
    now: () => 1_700_000_000_000 + clock.monotonic(),
    random: seededRandom(1),
    faults: {},
    names: {
      namesOf: () => ['orders.contoso.internal'],
      isVirtual: () => true,
      keep(address) {
        kept.add(address);
        return () => void kept.delete(address);
      },
    },
    onAllowed: undefined,
  });
  return { clock, ledger, journal: telemetry.journal, kept };
};

t.test('one entry tells a request from its beginning to its end, once', async (t) => {
  const { clock, ledger, journal, kept } = setup(() => ALLOWED);
  clock.advance(5);
  const open = ledger.open(asked());
  t.match(journal.query({ name: 'resource.request' }), [
    { fields: { request: 'r1', channel: 'dtls', decision: 'allow' } },
  ]);
  t.ok(kept.has('10.20.240.1'), 'its address keeps its name while it goes on');
  t.equal(ledger.counts.open, 1);
  clock.advance(20);
  open.answered();
  clock.advance(100);
  open.answered();
  open.end({ outcome: 'completed', bytesIn: 17, bytesOut: 4000, reason: 'closed' });
  open.end({ outcome: 'broken', bytesIn: 0, bytesOut: 0, reason: 'again' });
  const [end, ...others] = journal.query({ name: 'resource.end' });
  t.strictSame(others, []);
  t.strictSame(end?.fields, {
    request: 'r1',
    trace: end?.fields.trace,
    session: 's1',
    user: 'alice',
    signInName: undefined,
    channel: 'dtls',
    protocol: 'tcp',
    source: '169.254.0.2:40000',
    destination: '10.20.240.1:443',
    host: 'orders.contoso.internal',
    decision: 'allow',
    rule: 'upstream orders',
    explanation: 'It is allowed.',
    target: 'upstream u1 127.0.0.1:3000',
    outcome: 'completed',
    began: 1_700_000_000_005,
    answered: 20,
    milliseconds: 120,
    bytesIn: 17,
    bytesOut: 4000,
    reason: 'closed',
  });
  t.equal(kept.size, 0);
  t.match(ledger.counts, { requests: 1, open: 0, completed: 1, broken: 0 });
});

t.test('what is denied is over with the decision, and leaves nothing behind', async (t) => {
  const { ledger, journal, kept } = setup(() => DENIED);
  const open = ledger.open(asked({ protocol: 'icmp', destination: { address: '192.0.2.1', port: 0 } }));
  t.notOk(open.decision.allow);
  t.match(journal.query({ name: 'resource.end' }), [
    { fields: { outcome: 'denied', target: undefined, answered: undefined, destination: '192.0.2.1', bytesIn: 0 } },
  ]);
  t.equal(kept.size, 0);
  t.notOk(open.stop('late'));
  t.match(ledger.counts, { requests: 1, open: 0, denied: 1 });
});

t.test('trace ids are those of W3C Trace Context: each its own, or the client’s', async (t) => {
  const { ledger } = setup(() => DENIED);
  const ids = [ledger.open(asked()), ledger.open(asked())].map(({ request }) => request.trace);
  t.equal(new Set(ids).size, 2);
  for (const id of ids) t.match(id, /^[0-9a-f]{32}$/);
  const own = '0af7651916cd43dd8448eb211c80319c';
  t.equal(ledger.open(asked({ trace: own })).request.trace, own);
});

t.test('a request is stopped once, in the way that it said, and only while it goes on', async (t) => {
  const { ledger } = setup(() => ALLOWED);
  const [one, other] = [ledger.open(asked()), ledger.open(asked())];
  const stopped: string[] = [];
  one.endBy((reason) => {
    stopped.push(reason);
    one.end({ outcome: 'broken', bytesIn: 0, bytesOut: 0, reason });
  });
  t.ok(one.stop('The rules changed.'));
  t.notOk(one.stop('again'));
  t.notOk(other.stop('It has not said how.'));
  t.strictSame(stopped, ['The rules changed.']);
  t.strictSame([...ledger], [other]);
});
