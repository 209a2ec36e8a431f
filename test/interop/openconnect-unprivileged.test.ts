import t from 'tap';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Time, restarts and resets under a stock client that needs no root: what goes into its tunnel comes from ocproxy.

t.setTimeout(200_000);
const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });

const WHOAMI = 'http://intranet.contoso.internal/whoami';

t.test('a client lives through an hour and a restart, and a reset ends it', { skip }, async (t) => {
  await using sim = await startSimulator({ gateway: { dpd: 30, sessionTimeout: null } });
  await using tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
  const [session] = sim.sessions.list();
  await sim.clock.advance('1h');
  t.match(JSON.parse((await tunnel.fetch(WHOAMI)).toString()), { session: session!.id });
  const mark = sim.journal.mark();
  await sim.gateway.restart();
  await sim.journal.waitFor({ name: 'session.connect', since: mark, fields: { resumed: true } }, { timeout: 30_000 });
  t.match(JSON.parse((await tunnel.fetch(WHOAMI)).toString()), { session: session!.id });
  await sim.reset();
  t.equal(await tunnel.ended, 1);
});

t.test('a client that was stopped is found dead at once', { skip }, async (t) => {
  await using sim = await startSimulator({ gateway: { dpd: 30 } });
  await using tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
  tunnel.signal('SIGSTOP');
  await sim.clock.advance('90s');
  sim.journal.expect({ name: 'session.disconnect', fields: { reason: 'dpd' } });
  tunnel.signal('SIGCONT');
  await sim.journal.waitFor({ name: 'session.connect', fields: { resumed: true } }, { timeout: 60_000 });
});

t.test('the session limit ends a client', { skip }, async (t) => {
  await using sim = await startSimulator({ gateway: { sessionTimeout: 3600 } });
  await using tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
  await sim.clock.advance('1h');
  t.equal(await tunnel.ended, 1);
  sim.journal.expect({ name: 'session.disconnect', fields: { reason: 'session-timeout' } });
});
