import type { FastifyPluginAsync } from 'fastify';
import type { SessionInfo } from '../../gateway/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** Operations on sessions: `sim.sessions`. All except `list` throw `ERR_SESSION_UNKNOWN`. */
export interface SessionsPort {
  list(): readonly SessionInfo[];
  get(id: string): SessionInfo;
  disconnect(id: string, options?: { readonly reason?: string }): void;
  expire(id: string): void;
  rekey(id: string): void;
}

const TAG = 'sessions';
const closed = { additionalProperties: false } as const;
const Text = () => Type.Optional(Type.String());
const Whole = (description?: string) => Type.Optional(Type.Integer(description === undefined ? {} : { description }));

const SessionAnswer = Type.Object({
  id: Type.String({ description: 'Short id, as in events.' }),
  state: Type.String(),
  username: Type.String(),
  signInName: Text(),
  objectId: Text(),
  tenantId: Text(),
  remoteAddress: Type.String({ description: 'Of the client.' }),
  userAgent: Text(),
  deviceType: Text(),
  devicePlatform: Text(),
  hostname: Text(),
  address4: Type.Optional(Type.String({ description: 'Inside the tunnel.' })),
  address6: Type.Optional(Type.String({ description: 'Inside the tunnel.' })),
  mtu: Whole('Bytes of an IP packet in the tunnel.'),
  tlsCipher: Text(),
  dtlsCipher: Text(),
  dataChannel: Type.Optional(
    Type.Enum(['cstp', 'dtls'], { description: 'The channel that carries data to the client now.' }),
  ),
  createdAt: Type.Integer({ description: 'Milliseconds since the Unix epoch.' }),
  connectedAt: Whole('Milliseconds since the Unix epoch.'),
  bytesIn: Type.Integer(),
  bytesOut: Type.Integer(),
});

const SessionPath = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: 'Short id of the session.' }) },
  closed,
);
const ListQuery = Type.Object(
  {
    user: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'Only of this user, by sign-in name, user name or object id.',
      }),
    ),
    state: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Only in this state, such as `connected`.' }),
    ),
  },
  closed,
);
const DisconnectBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description: 'A sentence for the journal. It is not sent to the client.',
      }),
    ),
  },
  closed,
);

/** `/api/sessions`: connected clients, and operations on their sessions. */
export function sessionRoutes(sessions: SessionsPort): FastifyPluginAsync {
  type One = { Params: { id: string } };
  const Nothing = Type.Object({}, closed);
  return async (app) => {
    app.get(
      '/',
      route(TAG, 'List sessions', { query: ListQuery, answer: Type.Object({ sessions: Type.Array(SessionAnswer) }) }),
      async ({ query }) => {
        const { user, state } = query as Static<typeof ListQuery>;
        return {
          sessions: sessions
            .list()
            .filter((one) => state === undefined || one.state === state)
            .filter((one) => user === undefined || isOf(one, user.toLowerCase())),
        };
      },
    );
    app.get<One>(
      '/:id',
      route(TAG, 'Show a session', { params: SessionPath, answer: SessionAnswer, refuses: [404] }),
      async ({ params }) => sessions.get(params.id),
    );
    app.post<One>(
      '/:id/disconnect',
      route(TAG, 'End a session as an administrator would', {
        params: SessionPath,
        body: DisconnectBody,
        refuses: [404],
      }),
      async ({ params, body }, reply) => {
        sessions.disconnect(params.id, body as Static<typeof DisconnectBody>);
        return reply.code(204).send();
      },
    );
    app.post<One>(
      '/:id/expire',
      route(TAG, 'End a session as its time limit would', {
        params: SessionPath,
        body: Nothing,
        refuses: [404],
      }),
      async ({ params }, reply) => {
        sessions.expire(params.id);
        return reply.code(204).send();
      },
    );
    app.post<One>(
      '/:id/rekey',
      route(TAG, 'Make the client renew its tunnel, and all keys', {
        params: SessionPath,
        body: Nothing,
        refuses: [404, 409],
        description:
          'The protocol has no rekey that a server begins: the connection ends without a disconnect packet, and the client reconnects with its cookie. 409 if the session has no tunnel.',
      }),
      async ({ params }, reply) => {
        sessions.rekey(params.id);
        return reply.code(204).send();
      },
    );
  };
}

function isOf({ username, signInName, objectId }: SessionInfo, user: string): boolean {
  return [username, signInName, objectId].some((name) => name?.toLowerCase() === user);
}
