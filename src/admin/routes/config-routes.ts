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
      from: Type.Optional(Type.Unknown({ description: 'The value before; left out where it may have passwords.' })),
      to: Type.Optional(Type.Unknown({ description: 'The value in the configuration now.' })),
      takesEffect: Type.Enum(['at once', 'new sessions', 'restart']),
    }),
    { description },
  );
const Reloaded = Type.Object({
  applied: Members('Applied now.'),
  needsRestart: Members('Changed, but in effect only after a restart.'),
  warnings: Type.Array(Type.String()),
  file: Type.Optional(Type.String({ description: 'The file that was read.' })),
});

/** `/api/config`: the current configuration with all members. It contains no secrets; the directory has its own resource. */
export function configRoutes(subject: ConfigPort): FastifyPluginAsync {
  const parts = {
    answer: Type.Record(Type.String(), Type.Unknown(), {
      description: 'docs/reference/configuration.md lists all members.',
    }),
  };
  return async (app) => {
    app.get('/', route('config', 'Show the current configuration', parts), async () => {
      const { identity, ...rest } = subject.config;
      const { directory: _, ...shown } = identity;
      return { ...rest, identity: shown };
    });
    app.post(
      '/reload',
      route('config', 'Read the configuration again, and apply what needs no restart', {
        body: Type.Object({}, { additionalProperties: false }),
        answer: Reloaded,
        refuses: [409],
        description:
          'Reads the file, variables and flags of the start. An invalid configuration is refused with all its problems (`details.problems`), and changes nothing. 409 if a program started the instance, or if the changes are valid only after a restart.',
      }),
      async () => subject.reload(),
    );
  };
}
