import t from 'tap';
import type { StreamFault } from '../../src/faults/ports.ts';
import type { ControlConnection } from '../../src/gateway/control/connection.ts';
import type { GatewaySession } from '../../src/gateway/session/session.ts';
import type { Sessions } from '../../src/gateway/session/sessions.ts';
import { SessionFaults } from '../../src/gateway/session-faults.ts';

/** Two sessions, of which only the first has a connection, and which write down what is done to them. */
function setup(atDpd?: StreamFault) {
  const calls: string[] = [];
  const session = (id: string): GatewaySession =>
    ({
      id,
      connected: true,
      remoteAddress: '192.0.2.1',
      remote: '192.0.2.1:4000',
      end: (reason: string) => void calls.push(`${id} ends: ${reason}`),
      rekey: () => void calls.push(`${id} rekeys`),
      expireCookie: () => void calls.push(`${id} loses its cookie`),
    }) as unknown as GatewaySession;
  const [one, two] = [session('one'), session('two')];
  const connection = {
    carries: (each: GatewaySession) => each === one,
    suffer(fault: StreamFault) {
      calls.push(`connection: ${fault.kind}`);
      return fault.kind !== 'stall';
    },
  } as unknown as ControlConnection;
  const faults = new SessionFaults({
    faults: { stream: (point) => (point === 'dpd' ? atDpd : undefined) },
    sessions: { byId: (id: string) => [one, two].find((each) => each.id === id) } as unknown as Sessions,
    tunnels: [connection],
    ban: (address, points) => void calls.push(`ban ${address} ${points}`),
  });
  return { faults, calls, one, two };
}

const explanation = 'Ordered.';
const STALL: StreamFault = { kind: 'stall', until: () => {} };

t.test('a fault reaches the session that it names: itself, its client, or its connection', async (t) => {
  const { faults, calls } = setup();
  faults.inject('one', { kind: 'terminate', explanation });
  faults.inject('two', { kind: 'rekey_now', explanation });
  faults.inject('two', { kind: 'cookie_expire', explanation });
  faults.inject('one', { kind: 'ban', points: 7 });
  faults.inject('one', { kind: 'reset' });
  faults.inject('one', STALL);
  faults.inject('nobody', { kind: 'close' });
  t.strictSame(calls, [
    'one ends: admin',
    'two rekeys',
    'two loses its cookie',
    'ban 192.0.2.1 7',
    'connection: reset',
    'connection: stall',
  ]);
});

t.test('a DPD request is answered unless a fault mutes it or ends its connection', async (t) => {
  const answered = (fault: StreamFault | undefined, who: 'one' | 'two' = 'one'): boolean => {
    const lab = setup(fault);
    return lab.faults.answersDpd(lab[who]);
  };
  t.equal(answered(undefined), true);
  t.equal(answered({ kind: 'dpd_mute' }), false);
  t.equal(answered({ kind: 'close' }), false);
  t.equal(answered(STALL), true, 'late, with everything else');
  t.equal(answered({ kind: 'cookie_expire', explanation }), true);
  t.equal(answered({ kind: 'reset' }, 'two'), true, 'there is no connection of it');
});
