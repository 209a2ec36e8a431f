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
  { name: Type.Enum(PROFILE_NAMES, { noun: 'network profile', description: 'Name of the profile.' }) },
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
      route(TAG, 'Use a network profile for all clients', {
        params: NamePath,
        refuses: [409],
        answer: Type.Object(Active),
        description:
          'Replaces the profile before. Its rules come after the existing ones. 409 if there would be too many rules.',
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
