import { TunneliteError } from '../lib/errors.ts';
import { check } from '../lib/schema/index.ts';
import type { Contradiction } from './contradiction.ts';
import { checkNames } from './name-checks.ts';
import { UpstreamSchema } from './network-schema.ts';
import type { Config, ConfigInput } from './schema.ts';

type Upstreams = NonNullable<NonNullable<ConfigInput['resources']>['upstreams']>;

/** One rule under `resources.upstreams`, as written by a user. */
export type UpstreamInput = Upstreams[number];

/** A rule with all its members, and settings that are allowed but probably not intended, in words. */
export interface CheckedUpstream {
  readonly upstream: Config['resources']['upstreams'][number];
  readonly warnings: readonly string[];
}

/**
 * Validates a rule to be added to a configuration in force, as if it had been part of it.
 * @throws TunneliteError `ERR_RESOURCE_RULE`
 */
export function checkUpstream(config: Config, input: UpstreamInput): CheckedUpstream {
  const upstream = check<CheckedUpstream['upstream']>(UpstreamSchema, input, {
    what: 'upstream',
    code: 'ERR_RESOURCE_RULE',
  });
  const problems: Contradiction[] = [];
  const warnings: string[] = [];
  checkNames({ ...config, resources: { ...config.resources, upstreams: [upstream] } }, problems, warnings);
  const [first] = problems;
  if (first === undefined) return { upstream, warnings };
  const { message, hint, path } = first;
  throw new TunneliteError('ERR_RESOURCE_RULE', `${path.join('.')}: ${message}.`, hint === undefined ? {} : { hint });
}
