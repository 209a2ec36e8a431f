import { noFaults } from '../../src/faults/ports.ts';
import { AddressPool } from '../../src/gateway/session/address-pool.ts';
import { MemorySessionStore } from '../../src/gateway/session/session-store.ts';
import { Sessions } from '../../src/gateway/session/sessions.ts';
import type { SessionStore } from '../../src/gateway/session/types.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';

/** Seconds that a cookie of these sessions is good for without a tunnel. */
export const TABLE_COOKIE_TIMEOUT = 300;

/** A table of sessions without a gateway around it, and the names of its events. */
export function sessionTable(
  store: SessionStore = new MemorySessionStore(),
  clock = new ManualClock(),
  random = seededRandom(3),
) {
  const events: string[] = [];
  const sessions = new Sessions({
    host: {
      emit: (name) => void events.push(name),
      get coarseNow() {
        return clock.monotonic();
      },
      faults: noFaults,
      taps: {},
      answersDpd: () => true,
      onBatchEnd: () => {},
      handOn: () => {},
      afterBatch: (work) => work(),
      onConnectedChanged: () => {},
      onPathChanged: () => {},
      onAddressReleased: () => {},
    },
    clock,
    random,
    store,
    pool4: new AddressPool('10.0.0.0/16', 0),
    pool6: undefined,
    cookieTimeout: TABLE_COOKIE_TIMEOUT,
  });
  return { sessions, events, clock, store };
}
