import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ClientTimer, systemCarrier, trust } from '../../src/client/core/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { checkPlan, runLoad, TokenStore } from '../../src/load/index.ts';
import { skipUnless } from '../support/interop.ts';
import { loadClients } from '../support/load-clients.ts';
import { signInArguments } from '../support/openconnect-arguments.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { start } from '../support/running-simulator.ts';

/* Stock clients beside our own in the same blackout: what we measure of ours is what others do. */

const skip = skipUnless({ programs: ['openconnect'] });
// Above the sum of the waits below, each of which says what it waited for.
t.setTimeout(240_000);

/** Stock clients, and as many of ours. */
const STOCK = loadClients(10);
const DPD = 6;
const DEAD = /DTLS Dead Peer Detection detected dead peer/;

t.test(
  `${STOCK} openconnect and our own clients find out within the granularity of dead peer detection`,
  { skip },
  async (t) => {
    const sim = await start(t, { gateway: { dpd: DPD } });
    const folder = t.testdir();
    const [ca, token] = [join(folder, 'ca.pem'), join(folder, 'token.jwt')];
    writeFileSync(ca, sim.ca);
    writeFileSync(token, await sim.token(), { mode: 0o600 });
    const stock: PeerProcess[] = [];
    t.teardown(() => Promise.all(stock.map((one) => one[Symbol.asyncDispose]())));
    for (let n = 0; n < STOCK; n++) {
      const client = new PeerProcess('openconnect', [
        ...signInArguments({ token, ca }),
        '--script-tun',
        // Ends with its input, and holds no output of openconnect open.
        '--script=exec cat >/dev/null 2>&1',
        sim.urls.gateway,
      ]);
      stock.push(client);
    }
    await Promise.all(stock.map((one) => one.until(/Established DTLS connection/, 60_000)));

    const plan = checkPlan({
      clients: STOCK,
      client: { unanswered: '0s' },
      traffic: { every: '1s' },
      phases: [
        { phase: 'login storm', for: '40s', until: 'done', arrivals: { constant: 10 } },
        { phase: 'udp blackout', for: '60s', until: 'done' },
      ],
    });
    /** Milliseconds until each has found out, from the blackout on. */
    let decided: Promise<number[]> | undefined;
    const result = await runLoad(plan, {
      url: new URL(sim.urls.gateway.replace('localhost', '127.0.0.1')),
      serverName: 'localhost',
      serverKind: 'tunnelite',
      secureContext: trust(sim.ca),
      clock: systemClock,
      random: systemRandom,
      timer: new ClientTimer(systemClock),
      carrier: () => systemCarrier,
      login: { tokens: (fetched) => new TokenStore([() => sim.token()], systemClock, fetched) },
      // Stock clients lose their datagrams at the gateway, when ours lose theirs.
      onPhase: ({ phase }) => {
        if (phase !== 'udp blackout') return;
        const cutAt = performance.now();
        decided = Promise.all(
          stock.map(async (one) => {
            await one.until(DEAD, 120_000);
            return performance.now() - cutAt;
          }),
        );
        // Looked at below, unless our own clients fail before.
        decided.catch(() => {});
        sim.faults.add({ on: { seam: 'udp' }, then: { do: 'drop' } });
      },
    });
    const theirs = (await decided!).sort((a, b) => a - b);
    const { counters, times } = result.totals;
    t.match(counters, { 'fallback.cut': STOCK, 'fallback.done': STOCK, 'fallback.never': 0 });
    const ours = times.decision!;
    const text = `stock ${theirs.map((ms) => (ms / 1000).toFixed(1)).join(' ')}; ours ${[ours.min, ours.p50, ours.max].map((us) => (us / 1e6).toFixed(1)).join(' ')}`;
    t.comment(text);
    const median = theirs[STOCK >> 1]! / 1000;
    t.ok(Math.abs(median - ours.p50 / 1e6) <= DPD, text);
    t.ok(theirs[0]! / 1000 >= ours.min / 1e6 - DPD && theirs.at(-1)! / 1000 <= ours.max / 1e6 + DPD, text);
  },
);
