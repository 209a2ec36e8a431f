import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { Arena } from '../support/hostile/arena.ts';
import type { Child } from '../support/hostile/child.ts';
import { DtlsIntruder, type DtlsLine } from '../support/hostile/dtls-intruder.ts';
import { gatewayChild, targetOf } from '../support/hostile/gateway-child.ts';
import type { Measured, Ready } from '../support/hostile/gateway-main.ts';
import { Intruder } from '../support/hostile/intruder.ts';

/* These take their time by nature: silence is what they are about. They wait side by side. */

t.setTimeout(300_000);
t.jobs = 3;

const DPD = 3;
/** Longer than the silence after which the gateway gives a client up. */
const ABSENCE_MS = 3 * DPD * 1000 + 2000;

const ABSENCES: Readonly<Record<string, (gateway: Child) => Promise<unknown>>> = {
  'is stopped': async ({ process }) => {
    process.kill('SIGSTOP');
    await delay(ABSENCE_MS);
    process.kill('SIGCONT');
  },
  'is blocked': (gateway) => gateway.ask({ ask: 'block', milliseconds: ABSENCE_MS }),
};

for (const [what, absence] of Object.entries(ABSENCES)) {
  t.test(`a gateway that ${what} for longer than its patience loses nobody`, { buffered: true }, async (t) => {
    await using gateway = gatewayChild({ gateway: { dpd: DPD } });
    const target = targetOf(await gateway.ready<Ready>(), [
      await gateway.ask({ ask: 'token', user: 'bob@contoso.com' }),
    ]);
    const overTls: Intruder[] = [];
    const overDtls: { session: DtlsIntruder; line: DtlsLine }[] = [];
    for (let i = 0; i < 4; i++) {
      overTls.push(await Intruder.join(target));
      const session = await DtlsIntruder.join(target);
      overDtls.push({ session, line: await session.connect() });
    }
    await gateway.ask({ ask: 'reset' });
    // They send all along, as the others of this gateway do.
    const sending = setInterval(() => {
      for (const intruder of overTls) void intruder.raw(serializeCstp(CstpType.Keepalive));
      for (const { line } of overDtls) line.ask();
    }, 250);
    await absence(gateway);
    for (const intruder of overTls) await intruder.settled();
    for (const { line } of overDtls) await line.answered();
    clearInterval(sending);
    for (const { session } of overDtls) await session.intruder.settled();
    t.equal(await gateway.ask({ ask: 'on-dtls' }), overDtls.length);
    const { events } = await gateway.ask<Measured>({ ask: 'measured' });
    t.equal(events['gateway.stalled'], 1);
    t.strictSame(
      Object.keys(events).filter((name) => /session\.|channel\./.test(name)),
      [],
    );
    for (const { line } of overDtls) line.close();
    await Promise.all([...overTls, ...overDtls.map(({ session }) => session.intruder)].map((each) => each.leave()));
  });
}

t.test('100 sessions that lose UDP at once move to TLS, while others work', { buffered: true }, async (t) => {
  const arena = await Arena.open(t, { config: { gateway: { dpd: 5 } } });
  await arena.endure(t, 'udpOutage', {
    until: async () => {
      while ((await arena.gateway.ask<number>({ ask: 'on-dtls' })) > arena.dtlsVictims) await arena.rounds();
    },
  });
});
