import type * as Graph from '@microsoft/microsoft-graph-types-beta';
import t from 'tap';
import type {
  AndroidProtectionObject,
  AppConfigurationObject,
  GroupObject,
  IosProtectionObject,
  ServerObject,
  SiteObject,
  ThresholdObject,
  TrustedRootObject,
  TunnelConfigurationObject,
} from '../../../src/intune/graph/types.ts';
import { TYPES } from '../../../src/intune/graph/types.ts';

/* Our objects are Graph's: the compiler holds their members, and what these may be, against Microsoft's own types. */

type Mutable<T> = T extends readonly (infer U)[]
  ? Mutable<U>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;
/** Compiles only where each member of A that B knows is one of B's, and A has no member that B does not know. */
type Fits<A, B> =
  Exclude<keyof A, keyof B | '@odata.type' | 'scSettings'> extends never
    ? Mutable<Pick<A, Extract<keyof A, keyof B>>> extends Pick<B, Extract<keyof A, keyof B>>
      ? true
      : { readonly notAssignable: Pick<A, Extract<keyof A, keyof B>> }
    : { readonly unknownMembers: Exclude<keyof A, keyof B | '@odata.type'> };

type Checks = [
  Fits<TunnelConfigurationObject, Graph.MicrosoftTunnelConfiguration>,
  Fits<SiteObject, Graph.MicrosoftTunnelSite>,
  Fits<ServerObject, Graph.MicrosoftTunnelServer>,
  Fits<ThresholdObject, Graph.MicrosoftTunnelHealthThreshold>,
  Fits<Omit<AppConfigurationObject, 'settings'>, Graph.TargetedManagedAppConfiguration>,
  Fits<IosProtectionObject, Graph.IosManagedAppProtection>,
  Fits<AndroidProtectionObject, Graph.AndroidManagedAppProtection>,
  Fits<TrustedRootObject, Graph.IosTrustedRootCertificate>,
  Fits<GroupObject, Graph.Group>,
];

t.test('the members of our types are those of Microsoft’s', async (t) => {
  const checks: Checks = [true, true, true, true, true, true, true, true, true];
  t.ok(checks.every((each) => each === true));
  // @ts-expect-error: the check itself finds a member that Graph does not know.
  const wrong: Fits<{ colour: string }, Graph.MicrosoftTunnelSite> = true;
  t.ok(wrong);
  // @ts-expect-error: and one that has another type there.
  const other: Fits<{ displayName: number }, Graph.MicrosoftTunnelSite> = true;
  t.ok(other);
  t.ok(Object.keys(TYPES.iosProtection.members).length > 70);
});
