/** Included and excluded routes together ("Microsoft Tunnel overview", learn.microsoft.com: limits of the product). */
export const MAX_ROUTE_RULES = 500;

/** Largest configuration file, in bytes. Our choice: a directory of 10,000 users fits. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Environment variables other than those for keys of the schema; some are read by programs that control an instance. */
export const OTHER_VARIABLES = [
  'TUNNELITE_COMMAND',
  'TUNNELITE_CONFIG',
  'TUNNELITE_DEBUG',
  'TUNNELITE_FUZZ',
  'TUNNELITE_INTEROP',
  'TUNNELITE_SECRET',
  'TUNNELITE_URL',
] as const;
