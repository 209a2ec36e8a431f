import t from 'tap';
import { renewsKeys } from '../../../src/gateway/session/renewal.ts';
import type { TunnelEnd } from '../../../src/gateway/session/tunnel.ts';

const HOME = '192.0.2.1';

/** Whether a client renews its keys whose last tunnel ended so, or is still up. */
const renews = (ended: TunnelEnd | undefined, rekeyTime: number | null = 60, remoteAddress = HOME): boolean =>
  renewsKeys(
    { latestTunnel: { terms: { remoteAddress: HOME }, ended } },
    { remoteAddress, rekeyTime: rekeyTime ?? undefined },
  );

t.test('without a tunnel before there are no keys to renew', async (t) => {
  t.notOk(renewsKeys({ latestTunnel: undefined }, { remoteAddress: HOME, rekeyTime: 60 }));
});

t.test('who comes while its tunnel is up renews its keys, unless it has moved', async (t) => {
  t.ok(renews(undefined));
  t.ok(renews(undefined, null), 'whether it was told to or not');
  t.notOk(renews(undefined, 60, '198.51.100.1'));
});

t.test('who was told to renew does so, wherever it comes from', async (t) => {
  t.ok(renews({ reason: 'rekey', age: 5 }, null, '198.51.100.1'));
});

t.test(
  'who closed its tunnel at the time it was told renews its keys, and who closed it before does not',
  async (t) => {
    for (const reason of ['connection-lost', 'temporary'] as const) {
      t.ok(renews({ reason, age: 60_000 }), reason);
      t.ok(renews({ reason, age: 59_000 }), 'clients count whole seconds');
      t.notOk(renews({ reason, age: 58_900 }));
      t.notOk(renews({ reason, age: 60_000 }, null), 'no time was told');
    }
  },
);

t.test('a tunnel that the gateway ended for another reason is not renewed, however old it was', async (t) => {
  for (const reason of ['dpd', 'idle', 'protocol-error', 'restart'] as const) {
    t.notOk(renews({ reason, age: 3_600_000 }), reason);
  }
});
