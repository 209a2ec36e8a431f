import type { FastifyPluginAsync } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { CLOCK_MODES, type SimulatorClock } from '../../lib/simulator-clock.ts';

const TAG = 'clock';
const closed = { additionalProperties: false } as const;

const ClockAnswer = Type.Object({
  now: Type.Integer({ description: 'What the clock shows, in milliseconds since the Unix epoch.' }),
  time: Type.String({ description: 'The same as ISO 8601.' }),
  offset: Type.Integer({ description: "By how many milliseconds it is ahead of this machine's." }),
  mode: Type.Enum([...CLOCK_MODES], { description: '`manual`: it stands still until it is moved.' }),
});
const AdvanceBody = Type.Object(
  {
    by: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Integer({ minimum: 0 })], {
      description: 'Such as `3600s`, `90m`, `1h30m`, `2d`; a number is in milliseconds.',
    }),
  },
  closed,
);
const ModeBody = Type.Object({ mode: Type.Enum([...CLOCK_MODES], { noun: 'clock mode' }) }, closed);

/** `/api/clock`: the simulator's time, and how to advance it. */
export function clockRoutes(clock: SimulatorClock): FastifyPluginAsync {
  const shown = () => {
    const now = clock.now();
    return { now, time: new Date(now).toISOString(), offset: clock.offset, mode: clock.mode };
  };
  return async (app) => {
    app.get('/', route(TAG, 'What time it is', { answer: ClockAnswer }), async () => shown());
    app.post(
      '/advance',
      route(TAG, 'Move time forward', {
        body: AdvanceBody,
        answer: ClockAnswer,
        description:
          'Answers when everything that the new time brings about has happened: tokens, sessions and cookies that are over, clients that are gone.',
      }),
      async ({ body }) => {
        await clock.advance((body as Static<typeof AdvanceBody>).by);
        return shown();
      },
    );
    app.put(
      '/mode',
      route(TAG, 'Let time go on by itself, or stand still', { body: ModeBody, answer: ClockAnswer }),
      async ({ body }) => {
        clock.set((body as Static<typeof ModeBody>).mode);
        return shown();
      },
    );
  };
}
