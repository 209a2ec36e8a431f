/** Included and excluded routes together (reference microsoft-tunnel.md §3, from the product's limits). */
export const MAX_ROUTE_RULES = 500;

/** Largest configuration file that is read, in bytes. Ours to choose: a directory of 10,000 users fits. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Environment variables that configure something else than the schema's keys; some are read by programs that drive an instance. */
export const OTHER_VARIABLES = [
  'TUNNELITE_COMMAND',
  'TUNNELITE_CONFIG',
  'TUNNELITE_DEBUG',
  'TUNNELITE_FUZZ',
  'TUNNELITE_INTEROP',
  'TUNNELITE_SECRET',
  'TUNNELITE_URL',
] as const;
