import type { FastifyPluginAsync } from 'fastify';
import type { CaptureOptions } from '../../capture/index.ts';
import { type Capture, captureFile, follow } from '../../capture/index.ts';
import { errorText } from '../../lib/errors.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** Operations of the routes: `sim.captures`. */
export interface CapturesPort {
  /** @throws TunneliteError `ERR_CAPTURE_LIMIT`, `ERR_CAPTURE_OPTIONS`, `ERR_DURATION_INVALID` */
  start(options?: CaptureOptions): Capture;
  list(): Capture[];
  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  get(id: string): Capture;
  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  remove(id: string): void;
  /** Milliseconds since the Unix epoch. */
  time(): number;
}

const TAG = 'capture';
/** The media type of capture files. */
const PCAPNG = 'application/x-pcapng';
const closed = { additionalProperties: false } as const;

const Session = () =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only of the session with this short id.' }));
const Layers = () =>
  Type.Optional(
    Type.Enum(['both', 'inner', 'outer'], {
      noun: 'choice of layers',
      description: '`inner`: IP packets in tunnels; `outer`: packets on the network; `both` (default).',
    }),
  );
const Bytes = (description: string, minimum = 1) =>
  Type.Optional(Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, description }));

const StartBody = Type.Object(
  {
    session: Session(),
    layers: Layers(),
    duration: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Integer({ minimum: 0 })], {
        description: 'Ends by itself after this time, such as `30s`; a number is in milliseconds.',
      }),
    ),
    size: Bytes('Ends by itself after this number of bytes.'),
    ring: Bytes('Bytes of memory that hold the newest part. Default 16 MiB.'),
  },
  closed,
);
const StreamQuery = Type.Object(
  {
    session: Session(),
    layers: Layers(),
    duration: Type.Optional(Type.String({ format: 'duration', description: 'Ends after this time, such as `30s`.' })),
    size: Type.Optional(Type.String({ format: 'whole', description: 'Ends after this number of bytes.' })),
  },
  closed,
);
const StatusAnswer = Type.Object({
  id: Type.String(),
  state: Type.Enum(['running', 'stopped']),
  layers: Type.Enum(['both', 'inner', 'outer']),
  session: Type.Optional(Type.String()),
  startedAt: Type.Integer({ description: 'Milliseconds since the Unix epoch.' }),
  packets: Type.Integer({ description: 'Packets and notes since its start.' }),
  bytes: Type.Integer(),
  overwritten: Type.Integer({ description: 'How many of these are no longer in memory.' }),
  ring: Type.Integer({ description: 'Bytes of memory.' }),
});
const CapturePath = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the capture.' }) },
  closed,
);
const File = Type.Unknown({ description: 'A file in pcapng, with the keys to decrypt its contents.' });

/** `/api/capture`: packets for Wireshark. All captured data includes keys. */
export function captureRoutes(captures: CapturesPort): FastifyPluginAsync {
  type One = { Params: { id: string } };
  const head = (name: string) => ({
    'content-type': PCAPNG,
    'content-disposition': `attachment; filename="${name}.pcapng"`,
    'cache-control': 'no-store',
  });
  return async (app) => {
    app.get(
      '/',
      route(TAG, 'List captures', { answer: Type.Object({ captures: Type.Array(StatusAnswer) }) }),
      async () => ({ captures: captures.list().map(({ status }) => status) }),
    );
    app.post(
      '/',
      route(TAG, 'Start a capture in memory', {
        body: StartBody,
        status: 201,
        answer: StatusAnswer,
        refuses: [409],
        description: '409 if there are 8 captures, or if their memory together would be more than 1 GiB.',
      }),
      async ({ body }, reply) => reply.code(201).send(captures.start(body as Static<typeof StartBody>).status),
    );
    app.get(
      '/stream',
      route(TAG, 'Capture until the connection closes or a limit is reached', {
        query: StreamQuery,
        answer: File,
        type: PCAPNG,
        refuses: [409],
        description:
          'For `wireshark -k -i -`. A reader that is too slow loses packets; the end of the file has their number.',
      }),
      async ({ query, raw }, reply) => {
        const { size, ...options } = query as Static<typeof StreamQuery>;
        const capture = captures.start({ ...options, ...(size === undefined ? {} : { size: Number(size) }) });
        reply.hijack();
        reply.raw.writeHead(200, head('tunnelite'));
        raw.socket.once('close', () => capture.stop('its reader disconnected'));
        await follow(capture, reply.raw, { begin: 'oldest', time: () => captures.time() }).catch((error: unknown) =>
          reply.raw.destroy(error instanceof Error ? error : new Error(errorText(error))),
        );
        if (captures.list().includes(capture)) captures.remove(capture.id);
      },
    );
    app.get<One>(
      '/:id',
      route(TAG, 'Show a capture', { params: CapturePath, answer: StatusAnswer, refuses: [404] }),
      async ({ params }) => captures.get(params.id).status,
    );
    app.get<One>(
      '/:id/download',
      route(TAG, 'Download what a capture has in memory, as a file', {
        params: CapturePath,
        answer: File,
        type: PCAPNG,
        refuses: [404],
      }),
      async ({ params }, reply) => {
        const file = captureFile(captures.get(params.id), captures.time());
        // Bypasses the serializer, which is for JSON.
        return reply.headers(head(`tunnelite-${params.id}`)).send(file);
      },
    );
    app.post<One>(
      '/:id/stop',
      route(TAG, 'Stop a capture; its content stays in memory', {
        params: CapturePath,
        body: Type.Object({}, closed),
        answer: StatusAnswer,
        refuses: [404],
      }),
      async ({ params }) => {
        const capture = captures.get(params.id);
        capture.stop('requested');
        return capture.status;
      },
    );
    app.delete<One>(
      '/:id',
      route(TAG, 'Stop a capture and free its memory', { params: CapturePath, refuses: [404] }),
      async ({ params }, reply) => {
        captures.remove(params.id);
        return reply.code(204).send();
      },
    );
  };
}
