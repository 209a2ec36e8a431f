import { type RouteParts, route as routeOf } from '../../lib/schema/index.ts';

/** A route of the directory, or of another part of the mock Entra ID. */
export const route = (
  summary: string,
  parts: RouteParts = {},
  tag: 'directory' | 'failures' | 'outages' = 'directory',
) => routeOf(tag, summary, parts);
