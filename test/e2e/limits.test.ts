import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

t.test('a session that meets a limit of the stack is named in the journal', async (t) => {
  await using sim = await startSimulator();
  const token = await sim.token({ user: 'alice@contoso.com' });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
  const [session] = sim.gateway.sessions();
  // More refusals at once than one session is told of.
  const asks = Array.from({ length: 40 }, () =>
    client.exchangeUdp('intranet.contoso.internal', 9999, Buffer.from('?'), 500),
  );
  const limit = await sim.journal.waitFor({ name: 'netstack.limit' });
  t.match(limit.fields, { session: session!.id, table: 'icmp-errors', action: 'refused' });
  t.match(limit.text, session!.id);
  const outcomes = await Promise.allSettled(asks);
  t.ok(
    outcomes.some(
      ({ status, reason }: { status: string; reason?: Error }) =>
        status === 'rejected' && /refused the datagram/.test(reason!.message),
    ),
  );
});
