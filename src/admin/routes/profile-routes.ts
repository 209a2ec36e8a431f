import type { FastifyPluginAsync } from 'fastify';
import { faultProfile, PROFILE_NAMES, type ProfileName } from '../../config/fault-profiles.ts';
import { route, Type } from '../../lib/schema/index.ts';

/** Operations of the routes: `sim.faults`. */
export interface ProfilePort {
  readonly profile: ProfileName | null;
  useProfile(name: ProfileName | null): void;
}

const TAG = 'faults';
const NamePath = Type.Object(
  { name: Type.Enum(PROFILE_NAMES, { noun: 'network profile' }) },
  { additionalProperties: false },
);
const Active = { active: Type.Union([Type.Enum(PROFILE_NAMES), Type.Null()], { description: 'null = none.' }) };
const ProfilesAnswer = Type.Object({
  ...Active,
  profiles: Type.Array(
    Type.Object({
      name: Type.String(),
      text: Type.String(),
      source: Type.String({ description: 'Where the figures are from.' }),
      rules: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
});

/** `/api/profiles`: network profiles, as fault rules. */
export function profileRoutes(faults: ProfilePort): FastifyPluginAsync {
  const active = () => ({ active: faults.profile });
  return async (app) => {
    app.get('/', route(TAG, 'List network profiles', { answer: ProfilesAnswer }), async () => ({
      ...active(),
      profiles: PROFILE_NAMES.map((name) => ({ name, ...faultProfile(name) })),
    }));
    app.put<{ Params: { name: ProfileName } }>(
      '/:name',
      route(TAG, 'Put all clients on a kind of network', {
        params: NamePath,
        answer: Type.Object(Active),
        description: 'In place of the profile before. Its rules come after those that there are.',
      }),
      async ({ params }) => {
        faults.useProfile(params.name);
        return active();
      },
    );
    app.delete('/', route(TAG, 'Use no network profile', { answer: Type.Object(Active) }), async () => {
      faults.useProfile(null);
      return active();
    });
  };
}
