import type { FastifyPluginAsync } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { CLOCK_MODES, type SimulatorClock } from '../../lib/simulator-clock.ts';

const TAG = 'clock';
const closed = { additionalProperties: false } as const;

const ClockAnswer = Type.Object({
  now: Type.Integer({ description: 'The time, in milliseconds since the Unix epoch.' }),
  time: Type.String({ description: 'The same as ISO 8601.' }),
  offset: Type.Integer({ description: "Milliseconds by which it is ahead of this machine's clock." }),
  mode: Type.Enum([...CLOCK_MODES], { description: '`manual`: the clock stands still until it is advanced.' }),
});
const AdvanceBody = Type.Object(
  {
    by: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Integer({ minimum: 0 })], {
      description: 'Such as `3600s`, `90m`, `1h30m`, `2d`; a number is in milliseconds.',
    }),
  },
  closed,
);
const ModeBody = Type.Object(
  {
    mode: Type.Enum([...CLOCK_MODES], {
      noun: 'clock mode',
      description: '`real`: the clock runs; `manual`: it stands still until it is advanced.',
    }),
  },
  closed,
);

/** `/api/clock`: the simulator's time, and how to advance it. */
export function clockRoutes(clock: SimulatorClock): FastifyPluginAsync {
  const shown = () => {
    const now = clock.now();
    return { now, time: new Date(now).toISOString(), offset: clock.offset, mode: clock.mode };
  };
  return async (app) => {
    app.get('/', route(TAG, 'Show the time', { answer: ClockAnswer }), async () => shown());
    app.post(
      '/advance',
      route(TAG, 'Move time forward', {
        body: AdvanceBody,
        answer: ClockAnswer,
        refuses: [409],
        description:
          'Returns when all consequences of the new time have happened: expired tokens, sessions and cookies, clients that are gone. 409 if another request resets the clock meanwhile.',
      }),
      async ({ body }) => {
        await clock.advance((body as Static<typeof AdvanceBody>).by);
        return shown();
      },
    );
    app.put(
      '/mode',
      route(TAG, 'Let the clock run, or stop it', { body: ModeBody, answer: ClockAnswer }),
      async ({ body }) => {
        clock.set((body as Static<typeof ModeBody>).mode);
        return shown();
      },
    );
  };
}
