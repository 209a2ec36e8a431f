import t from 'tap';
import { GatewayEvent, GatewayState, nextGatewayState } from '../../src/gateway/lifecycle-state.ts';

const S = GatewayState;

/** Every pair that changes the state; each other one must do nothing at all. */
const MOVES: readonly (readonly [from: GatewayState, event: GatewayEvent, to: GatewayState, effect?: string])[] = [
  [S.Stopped, 'start', S.Listening, 'open-ports'],
  [S.Stopped, 'close', S.Closed],
  [S.Listening, 'drain', S.Draining, 'turn-away'],
  [S.Listening, 'stop', S.Stopped, 'close-ports'],
  [S.Listening, 'close', S.Closed, 'close-ports'],
  [S.Draining, 'start', S.Listening, 'accept-again'],
  [S.Draining, 'stop', S.Stopped, 'close-ports'],
  [S.Draining, 'close', S.Closed, 'close-ports'],
];

for (const state of Object.values(GatewayState)) {
  for (const event of Object.values(GatewayEvent)) {
    const move = MOVES.find(([from, on]) => from === state && on === event);
    t.test(move ? `${state} on ${event} goes to ${move[2]}` : `${state} does nothing on ${event}`, async (t) => {
      t.strictSame(nextGatewayState(state, event), {
        to: move?.[2] ?? state,
        ...(move?.[3] === undefined ? {} : { effect: move[3] }),
      });
    });
  }
}
