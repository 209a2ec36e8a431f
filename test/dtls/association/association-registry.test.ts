import t, { type Test } from 'tap';
import { AssociationRegistry } from '../../../src/dtls/association/association-registry.ts';
import type { Connection } from '../../../src/dtls/association/connection.ts';
import type { DtlsPeer } from '../../../src/dtls/association/types.ts';
import { HANDOVER_MIN_MS } from '../../../src/dtls/protocol/constants.ts';

/* Which associations a server has by address and by session, and which of them a new one replaces. */

const peer = (address: string, port: number): DtlsPeer => ({ address, port }) as DtlsPeer;
const HOME = peer('192.0.2.1', 1000);
const AWAY = peer('192.0.2.2', 1000);

interface Fake extends Connection<string> {
  readonly ended: string[];
}

/** A connection of which the registry only needs its peer, and to end it. */
function connection(registry: AssociationRegistry<string>, at: DtlsPeer): Fake {
  const ended: string[] = [];
  const one = {
    peer: at,
    ended,
    end(reason: string) {
      ended.push(reason);
      registry.remove(one as unknown as Fake);
    },
  };
  return one as unknown as Fake;
}

/** Asserts what is at home, where alice is. */
function assertSlots(
  t: Test,
  registry: AssociationRegistry<string>,
  current: Fake | undefined,
  pending: Fake | undefined,
): void {
  for (const slot of [registry.find(HOME), registry.rivals('alice', AWAY)]) {
    t.equal(slot?.current, current);
    t.equal(slot?.pending, pending);
  }
}

t.test('a handshake is pending until it is complete, by address and by session', async (t) => {
  const registry = new AssociationRegistry<string>();
  const one = connection(registry, HOME);
  registry.begin(one, 'alice', 'tag', 0);
  t.strictSame([registry.size, registry.completed], [1, 0]);
  t.same([registry.find(HOME)?.pending === one, registry.find(HOME)?.current], [true, undefined]);
  t.equal(registry.rivals('alice', AWAY)?.pending, one, 'the session knows it wherever it is');
  t.equal(registry.rivals(undefined, HOME)?.pending, one, 'without a session, its address does');
  t.equal(registry.rivals('bob', HOME), undefined);
  t.equal(registry.rivals(undefined, AWAY), undefined);
  t.strictSame([...registry.atAddress(HOME.address)], [], 'none is in use');

  t.strictSame(registry.complete(one), { replaced: undefined, neighbour: undefined });
  t.strictSame([registry.size, registry.completed], [1, 1]);
  assertSlots(t, registry, one, undefined);
  t.equal([...registry.atAddress(HOME.address)][0], one);
  t.strictSame([...registry.atAddress(AWAY.address)], []);
});

t.test('what is removed is nowhere any more, and is counted once', async (t) => {
  const registry = new AssociationRegistry<string>();
  const [pending, complete] = [connection(registry, HOME), connection(registry, AWAY)];
  registry.begin(pending, 'alice', 'one', 0);
  registry.begin(complete, 'bob', 'two', 0);
  registry.complete(complete);
  t.match(registry.remove(pending), { complete: false });
  t.strictSame([registry.size, registry.completed], [1, 1]);
  t.match(registry.remove(complete), { complete: true });
  t.equal(registry.remove(complete), undefined);
  t.strictSame([registry.size, registry.completed], [0, 0]);
  for (const at of [HOME, AWAY]) t.equal(registry.find(at), undefined);
  for (const key of ['alice', 'bob']) t.equal(registry.rivals(key, HOME), undefined);
  t.strictSame([...registry.atAddress(AWAY.address)], []);
});

t.test('a slot stays while the other of its two connections is there', async (t) => {
  const registry = new AssociationRegistry<string>();
  const [first, second] = [connection(registry, HOME), connection(registry, HOME)];
  registry.begin(first, 'alice', 'one', 0);
  registry.complete(first);
  registry.begin(second, 'alice', 'two', 0);
  registry.remove(second);
  assertSlots(t, registry, first, undefined);

  registry.begin(second, 'alice', 'two', 0);
  registry.remove(first);
  assertSlots(t, registry, undefined, second);
  t.strictSame(first.ended, []);
});

t.test('a new handshake ends the one that is pending at its address, and that of its session', async (t) => {
  for (const [session, at] of [
    ['bob', HOME],
    ['alice', AWAY],
    [undefined, HOME],
  ] as const) {
    const registry = new AssociationRegistry<string>();
    const [old, next] = [connection(registry, HOME), connection(registry, at)];
    registry.begin(old, 'alice', 'one', 0);
    registry.begin(next, session, 'two', 0);
    t.strictSame(old.ended, ['replaced']);
    t.equal(registry.size, 1);
    t.equal(registry.find(at)?.pending, next);
  }
  const registry = new AssociationRegistry<string>();
  const [old, next] = [connection(registry, HOME), connection(registry, AWAY)];
  registry.begin(old, undefined, 'one', 0);
  registry.begin(next, undefined, 'two', 0);
  t.strictSame(old.ended, [], 'another address, and no session');
  t.equal(registry.size, 2);
});

t.test('a complete handshake names what it replaces, and who was at its address', async (t) => {
  const registry = new AssociationRegistry<string>();
  const complete = (at: DtlsPeer, key: string | undefined, tag: string) => {
    const one = connection(registry, at);
    registry.begin(one, key, tag, 0);
    return { one, ...registry.complete(one) };
  };
  const home = complete(HOME, 'alice', 'one').one;
  const moved = complete(AWAY, 'alice', 'two');
  t.equal(moved.replaced, home, 'that of its session');
  t.equal(moved.neighbour, undefined);
  const other = complete(AWAY, 'bob', 'three');
  t.equal(other.replaced, undefined, 'bob had none');
  t.equal(other.neighbour, moved.one, 'whose address is taken');
  const nobody = complete(AWAY, undefined, 'four');
  t.equal(nobody.replaced, other.one, 'without a session, that of its address');
  t.equal(nobody.neighbour, other.one);
});

t.test('a hello that is repeated, or comes too soon after another, is refused', async (t) => {
  const registry = new AssociationRegistry<string>();
  const [current, pending] = [connection(registry, HOME), connection(registry, HOME)];
  registry.begin(current, 'alice', 'one', 1000);
  const refusal = (tag: string, now: number) => registry.refusal(registry.rivals('alice', HOME), tag, now);
  t.equal(registry.refusal(undefined, 'one', 0), undefined);
  t.equal(refusal('one', 1_000_000), 'repeated-hello', 'however late');
  t.equal(refusal('two', 1000 + HANDOVER_MIN_MS - 1), 'too-soon');
  t.equal(refusal('two', 1000 + HANDOVER_MIN_MS), undefined);
  registry.complete(current);
  t.equal(refusal('two', 1000 + HANDOVER_MIN_MS - 1), 'too-soon');
  registry.begin(pending, 'alice', 'two', 1000 + HANDOVER_MIN_MS);
  t.equal(refusal('one', 1_000_000), 'repeated-hello');
  t.equal(refusal('two', 1_000_000), 'repeated-hello');
  t.equal(refusal('three', 1000 + 2 * HANDOVER_MIN_MS - 1), 'too-soon', 'counted from the pending one too');
  t.equal(refusal('three', 1000 + 2 * HANDOVER_MIN_MS), undefined);
  t.strictSame(
    [registry.cameOf(current, 'one'), registry.cameOf(current, 'two'), registry.cameOf(undefined, 'one')],
    [true, false, false],
  );
});
