import type { Command } from './command.ts';

/** The tree of commands. Each is loaded when it is used, so that a short command stays fast. */
export const root: Command = {
  meta: { name: 'tunnelite', description: 'A local Microsoft Tunnel Gateway for development, CI and load tests' },
  subCommands: {
    start: async () => (await import('./commands/start.ts')).default,
    demo: async () => (await import('./commands/demo.ts')).default,
    token: async () => (await import('./commands/token.ts')).default,
    ca: async () => (await import('./commands/ca.ts')).default,
    config: async () => (await import('./commands/config.ts')).default,
    init: async () => (await import('./commands/init.ts')).default,
    app: async () => (await import('./commands/app.ts')).default,
    healthcheck: async () => (await import('./commands/healthcheck.ts')).default,
  },
};
