import { type RouteParts, route as routeOf } from '../../lib/schema/index.ts';

/** A route of the directory. */
export const route = (summary: string, parts: RouteParts = {}) => routeOf('directory', summary, parts);
