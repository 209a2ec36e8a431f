import t from 'tap';
import { AddressPool } from '../../../src/gateway/session/address-pool.ts';

const take = (pool: AddressPool, now = 0): string | undefined => {
  const index = pool.allocate(now);
  return index === undefined ? undefined : pool.addressOf(index);
};

t.test('the first host address is the gateway, clients follow in order', async (t) => {
  const pool = new AddressPool('169.254.0.0/16', 60_000);
  t.match(pool.facts, { family: 4, gateway: '169.254.0.1', netmask: '255.255.0.0', prefix: 16, capacity: 65_533 });
  t.strictSame([take(pool), take(pool), take(pool)], ['169.254.0.2', '169.254.0.3', '169.254.0.4']);
});

t.test('host bits in the network are ignored', async (t) => {
  t.equal(take(new AddressPool('10.1.2.200/25', 0)), '10.1.2.130');
});

t.test('IPv6 pools of any size count from the network', async (t) => {
  t.equal(take(new AddressPool('fd00:77::/64', 0)), 'fd00:77::2');
  const small = new AddressPool('fd00:77::fff0/125', 0);
  t.strictSame(
    Array.from({ length: 7 }, () => take(small)),
    ['fd00:77::fff2', 'fd00:77::fff3', 'fd00:77::fff4', 'fd00:77::fff5', 'fd00:77::fff6', 'fd00:77::fff7', undefined],
  );
  t.equal(small.facts.netmask, undefined);
});

t.test('the broadcast address is nobody’s', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', 0);
  const all = Array.from({ length: 6 }, () => take(pool));
  t.strictSame(all, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', undefined]);
});

t.test('a released address rests while fresh ones are left, and is used before a refusal', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', 60_000);
  take(pool);
  pool.release(2, 0);
  t.equal(take(pool, 1), '10.0.0.3');
  for (let i = 0; i < 3; i++) take(pool, 1);
  t.equal(take(pool, 2), '10.0.0.2', 'still cooling, but nothing else is left');
  t.equal(take(pool, 3), undefined);
  pool.release(4, 100_000);
  pool.release(3, 150_000);
  t.equal(take(pool, 170_000), '10.0.0.4', 'the one that has cooled first');
  t.equal(pool.taken, 4);
  t.equal(take(pool, 170_000), '10.0.0.3', 'and then the other');
});

t.test('releasing twice does not double an address', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', 0);
  for (let i = 0; i < 5; i++) take(pool);
  pool.release(3, 0);
  pool.release(3, 0);
  t.equal(take(pool), '10.0.0.3');
  t.equal(take(pool), undefined);
});

t.test('a certain address can be reserved once, unless it is foreign or the gateway’s', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', 0);
  t.equal(pool.reserve('10.0.0.2'), true);
  t.equal(pool.reserve('10.0.0.2'), false);
  t.equal(take(pool), '10.0.0.3', 'and is passed over');
  for (const address of ['10.0.0.1', '10.0.0.0', '10.0.0.7', '10.0.1.2', 'fd00::2', 'nonsense']) {
    t.equal(pool.reserve(address), false, address);
  }
  pool.release(2, 0);
  t.equal(pool.reserve('10.0.0.2'), true);
});

t.test('an address in a packet is found by its bytes', async (t) => {
  const pool = new AddressPool('10.0.0.0/22', 0);
  t.equal(pool.indexAt(Buffer.from('ffff0a000305', 'hex'), 2), 0x305);
  t.equal(pool.indexAt(Buffer.from('0a000405', 'hex'), 0), -1);
  t.equal(pool.indexAt(Buffer.from('0b000005', 'hex'), 0), -1);
  const six = new AddressPool('fd00:77::/64', 0);
  t.equal(six.indexAt(six.bytesOf(0x1234), 0), 0x1234);
  t.equal(six.indexAt(Buffer.from('fd000077000000000000000100000002', 'hex'), 0), -1);
});

t.test('a network without room, or that is none, is refused with a code', async (t) => {
  for (const network of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/127', '10.0.0.0', 'x/8', '10.0.0.0/40']) {
    t.throws(() => new AddressPool(network, 0), { code: 'ERR_GATEWAY_POOL_INVALID' }, network);
  }
});

t.test('a pool that begins anew gives out the first address that nobody has', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', 60_000);
  const given = [pool.allocate(0), pool.allocate(0), pool.allocate(0)];
  t.strictSame(given, [2, 3, 4]);
  pool.release(2, 0);
  pool.release(4, 0);
  pool.reset();
  t.strictSame([pool.allocate(0), pool.allocate(0)], [2, 4], 'at once, and not the one in use');
  t.equal(pool.taken, 3);
});
