import { TunneliteError } from '../lib/errors.ts';
import { check } from '../lib/schema/index.ts';
import type { Contradiction } from './contradiction.ts';
import { checkNames } from './name-checks.ts';
import { UpstreamSchema } from './network-schema.ts';
import type { Config, ConfigInput } from './schema.ts';

type Upstreams = NonNullable<NonNullable<ConfigInput['resources']>['upstreams']>;

/** One rule under `resources.upstreams`, as a person writes it. */
export type UpstreamInput = Upstreams[number];

/** A rule with all its members, and what is allowed but probably not meant, in words. */
export interface CheckedUpstream {
  readonly upstream: Config['resources']['upstreams'][number];
  readonly warnings: readonly string[];
}

/**
 * Judges a rule that is to be added to a configuration in force, as if it had stood there.
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
