import t from 'tap';
import { DataPathEvent, DataPathState, nextDataPath } from '../../../src/client/core/data-path-state.ts';

const S = DataPathState;

/** Every pair that changes the state. */
const MOVES: readonly (readonly [from: DataPathState, event: DataPathEvent, to: DataPathState])[] = [
  [S.Off, 'offer', S.Handshake],
  [S.Handshake, 'secured', S.Up],
  [S.Handshake, 'failed', S.Waiting],
  [S.Handshake, 'withdraw', S.Off],
  [S.Up, 'offer', S.Handshake],
  [S.Up, 'failed', S.Waiting],
  [S.Up, 'silent', S.Handshake],
  [S.Up, 'withdraw', S.Off],
  [S.Waiting, 'offer', S.Handshake],
  [S.Waiting, 'due', S.Handshake],
  [S.Waiting, 'withdraw', S.Off],
];

for (const state of Object.values(DataPathState)) {
  for (const event of Object.values(DataPathEvent)) {
    const to = MOVES.find(([from, on]) => from === state && on === event)?.[2] ?? state;
    t.test(`${state} on ${event} ${to === state ? 'stays' : `goes to ${to}`}`, async (t) => {
      t.equal(nextDataPath(state, event), to);
    });
  }
}
