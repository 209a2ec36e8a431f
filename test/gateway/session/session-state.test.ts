import t from 'tap';
import { holdsCookie, nextSession, SessionEvent, SessionState } from '../../../src/gateway/session/session-state.ts';

const S = SessionState;

/** Every pair that changes the state or asks for something; each other one must do nothing at all. */
const MOVES: readonly (readonly [from: SessionState, event: SessionEvent, to: SessionState, effects: string])[] = [
  [S.Authenticated, 'connect', S.Connected, 'open-tunnel use-cookie tell-connect'],
  [S.Authenticated, 'end', S.Closing, 'tell-disconnect drop-cookie await-settle'],
  [S.Authenticated, 'expire', S.Closing, 'tell-expired drop-cookie await-settle'],
  [S.Connected, 'connect', S.Connected, 'close-tunnel open-tunnel use-cookie tell-connect'],
  [S.Connected, 'leave', S.Disconnected, 'close-tunnel tell-disconnect keep-cookie'],
  [S.Connected, 'end', S.Closing, 'close-tunnel tell-disconnect drop-cookie await-settle'],
  [S.Disconnected, 'connect', S.Connected, 'open-tunnel use-cookie tell-connect'],
  [S.Disconnected, 'end', S.Closing, 'tell-expired drop-cookie await-settle'],
  [S.Disconnected, 'expire', S.Closing, 'tell-expired drop-cookie await-settle'],
  [S.Closing, 'settle', S.Ended, 'free-addresses'],
];

for (const state of Object.values(SessionState)) {
  for (const event of Object.values(SessionEvent)) {
    const move = MOVES.find(([from, on]) => from === state && on === event);
    t.test(move ? `${state} on ${event} goes to ${move[2]}` : `${state} does nothing on ${event}`, async (t) => {
      const { to, effects } = nextSession(state, event);
      t.equal(to, move?.[2] ?? state);
      t.equal(effects.join(' '), move?.[3] ?? '');
    });
  }
}

t.test('from every state with a cookie, and from no other, a tunnel can come', async (t) => {
  for (const state of Object.values(SessionState)) {
    t.equal(nextSession(state, 'connect').to === S.Connected, holdsCookie(state), state);
  }
});

t.test(
  'whatever happens, goodbye is said once for each time of being connected, and the addresses are freed once',
  async (t) => {
    const events = Object.values(SessionEvent);
    /** All sequences of events up to a length: small enough to walk whole. */
    const walk = (state: SessionState, depth: number, open: number, freed: number): void => {
      if (open < 0 || open > 1 || freed > 1) throw new Error(`open ${open}, freed ${freed} in ${state}`);
      if (state === S.Ended && (open !== 0 || freed !== 1)) throw new Error(`ended with open ${open}, freed ${freed}`);
      if (depth === 0) return;
      for (const event of events) {
        const { to, effects } = nextSession(state, event);
        const opened = state !== S.Connected && to === S.Connected ? 1 : 0;
        const closed = state === S.Connected && effects.includes('tell-disconnect') ? 1 : 0;
        walk(to, depth - 1, open + opened - closed, freed + (effects.includes('free-addresses') ? 1 : 0));
      }
    };
    t.doesNotThrow(() => walk(S.Authenticated, 7, 0, 0));
  },
);
