import type { FastifyPluginAsync } from 'fastify';
import type { Gateway } from '../../gateway/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

const TAG = 'gateway';
const closed = { additionalProperties: false } as const;

const StateAnswer = Type.Object({
  state: Type.Enum(['listening', 'draining', 'stopped', 'closed']),
  unavailable: Type.Optional(Type.String({ description: 'Why no client can connect now.' })),
  counters: Type.Record(Type.String(), Type.Integer()),
});
const StopBody = Type.Object(
  {
    cookies: Type.Optional(
      Type.Enum(['keep', 'lose'], {
        noun: 'way with cookies',
        description: '`keep` (default): clients can resume with their cookies; `lose`: they must authenticate again.',
      }),
    ),
    notify: Type.Optional(
      Type.Boolean({
        description: 'Send clients a disconnect packet first, which makes openconnect end. Default false.',
      }),
    ),
  },
  closed,
);
const DrainBody = Type.Object(
  {
    timeout: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Integer({ minimum: 0 })], {
        description: 'Such as `30s`; a number is in milliseconds. Default: no limit.',
      }),
    ),
  },
  closed,
);
const DrainAnswer = Type.Object({
  left: Type.Integer({ description: 'Sessions that ended by themselves.' }),
  ended: Type.Integer({ description: 'Sessions that the timeout ended.' }),
  complete: Type.Boolean({ description: 'False: another operation on the gateway began before all were gone.' }),
});

/** `/api/gateway`: whether it accepts clients, and how to restart, stop, start and drain it. */
export function gatewayRoutes(gateway: Gateway): FastifyPluginAsync {
  const shown = () => ({ state: gateway.state, unavailable: gateway.unavailable, counters: gateway.stats() });
  return async (app) => {
    app.get('/', route(TAG, 'Show whether the gateway accepts clients', { answer: StateAnswer }), async () => shown());
    for (const what of ['restart', 'stop'] as const) {
      const summary =
        what === 'restart'
          ? 'Stop the gateway and start it again at the same port'
          : 'Close the ports and connections of the gateway';
      app.post(
        `/${what}`,
        route(TAG, summary, {
          body: StopBody,
          answer: StateAnswer,
          ...(what === 'restart' && { refuses: [409] as const, description: '409 if another program took the port.' }),
        }),
        async ({ body }) => {
          await gateway[what](body as Static<typeof StopBody>);
          return shown();
        },
      );
    }
    app.post(
      '/start',
      route(TAG, 'Accept clients again, after stop or drain', {
        body: Type.Object({}, closed),
        answer: StateAnswer,
        refuses: [409],
        description: '409 if another program took the port.',
      }),
      async () => {
        await gateway.start();
        return shown();
      },
    );
    app.post(
      '/drain',
      route(TAG, 'Accept no new clients, and wait until the connected ones have left', {
        body: DrainBody,
        answer: DrainAnswer,
        refuses: [409],
        description: '409 if the gateway is stopped.',
      }),
      async ({ body }) => gateway.drain(body as Static<typeof DrainBody>),
    );
  };
}
