import type { FastifyPluginAsync } from 'fastify';
import type { ChangedMember, Config } from '../../config/index.ts';
import { route, Type } from '../../lib/schema/index.ts';

/** Result of reloading the configuration. */
export interface ReloadAnswer {
  readonly applied: readonly ChangedMember[];
  readonly needsRestart: readonly ChangedMember[];
  readonly warnings: readonly string[];
  readonly file?: string | undefined;
}

/** Operations on the configuration. */
export interface ConfigPort {
  readonly config: Config;
  /** @throws TunneliteError configuration errors, `ERR_CONFIG_RELOAD` */
  reload(): Promise<ReloadAnswer>;
}

const Members = (description: string) =>
  Type.Array(
    Type.Object({
      member: Type.String({ description: 'Such as `gateway.dpd`.' }),
      from: Type.Optional(Type.Unknown({ description: 'What it was; left out where there may be passwords in it.' })),
      to: Type.Optional(Type.Unknown({ description: 'What the configuration says now.' })),
      takesEffect: Type.Enum(['at once', 'new sessions', 'restart']),
    }),
    { description },
  );
const Reloaded = Type.Object({
  applied: Members('Taken over.'),
  needsRestart: Members('Changed, and still what it was.'),
  warnings: Type.Array(Type.String()),
  file: Type.Optional(Type.String({ description: 'What was read.' })),
});

/** `/api/config`: the current configuration with all members. It contains no secrets; the directory has its own resource. */
export function configRoutes(subject: ConfigPort): FastifyPluginAsync {
  const parts = {
    answer: Type.Record(Type.String(), Type.Unknown(), {
      description: 'docs/reference/configuration.md lists all members.',
    }),
  };
  return async (app) => {
    app.get('/', route('config', 'The configuration in force', parts), async () => {
      const { identity, ...rest } = subject.config;
      const { directory: _, ...shown } = identity;
      return { ...rest, identity: shown };
    });
    app.post(
      '/reload',
      route('config', 'Read the configuration again, and take over what needs no restart', {
        body: Type.Object({}, { additionalProperties: false }),
        answer: Reloaded,
        description:
          'The file, variables and flags of the start are read. What is not valid is refused with all its problems (`details.problems`), and changes nothing.',
      }),
      async () => subject.reload(),
    );
  };
}
