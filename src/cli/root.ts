import type { Command } from './context/command.ts';

export const PROGRAM = {
  name: 'tunnelite',
  description: 'A local Microsoft Tunnel Gateway for development, CI and load tests',
} as const;

/**
 * The tree of commands. Each is loaded only when it is used, not when all are listed, so short commands are fast.
 */
export const root: Command = {
  subCommands: {
    start: {
      description: 'Run the gateway, Entra ID and the mock network until interrupted',
      load: async () => (await import('./commands/start.ts')).default,
    },
    demo: {
      description: 'Start everything, connect the bundled client, and explain each step from sign-in to page',
      load: async () => (await import('./commands/demo.ts')).default,
    },
    wait: {
      description: 'Wait until an instance is ready; fail with its error if it cannot start',
      load: async () => (await import('./commands/wait.ts')).default,
    },
    connect: {
      description: 'Open a tunnel that other programs can use through a SOCKS or HTTP proxy',
      load: async () => (await import('./commands/connect.ts')).default,
    },
    curl: {
      description: 'Fetch a URL through a new tunnel, and print it',
      load: async () => (await import('./commands/curl.ts')).default,
    },
    token: {
      description: 'Print an access token from the running instance, valid or deliberately wrong',
      load: async () => (await import('./commands/token.ts')).default,
    },
    status: {
      description: 'Show the running instance: addresses, sessions, clock',
      load: async () => (await import('./commands/status.ts')).default,
    },
    dashboard: {
      description: 'Print a link to the dashboard, or open it in the browser',
      load: async () => (await import('./commands/dashboard.ts')).default,
    },
    sessions: {
      description: 'List the sessions, or show, disconnect, expire or rekey one',
      load: async () => (await import('./commands/sessions.ts')).default,
    },
    explain: {
      description: 'Explain what a client did, what was decided and why, and what to do next',
      load: async () => (await import('./commands/explain.ts')).default,
    },
    journal: {
      description: 'Print events, and with --follow also new ones',
      load: async () => (await import('./commands/journal.ts')).default,
    },
    'wait-for': {
      description: 'Wait for an event, past or future; exit with 1 and the closest events if there is none',
      load: async () => (await import('./commands/wait-for.ts')).default,
    },
    clock: {
      description: 'Show the time of the simulator, or advance, freeze or resume it',
      load: async () => (await import('./commands/clock.ts')).default,
    },
    gateway: {
      description: 'Show whether the gateway accepts clients, or restart, stop, start or drain it',
      load: async () => (await import('./commands/gateway.ts')).default,
    },
    resources: {
      description: 'List what is behind the gateway, or remove an upstream',
      load: async () => (await import('./commands/resources.ts')).default,
    },
    directory: {
      description: 'List or change users of the built-in Entra ID, or order failures of sign-ins and endpoints',
      load: async () => (await import('./commands/directory.ts')).default,
    },
    access: {
      description: 'List, add, remove or replace rules for who may reach what',
      load: async () => (await import('./commands/access.ts')).default,
    },
    stubs: {
      description: 'List, add or remove your own answers in the mock network',
      load: async () => (await import('./commands/stubs.ts')).default,
    },
    expose: {
      description: 'Let clients reach your server through the tunnel, until it is removed or the instance is reset',
      load: async () => (await import('./commands/expose.ts')).default,
    },
    fault: {
      description: 'Add, list or remove fault rules, such as lost datagrams',
      load: async () => (await import('./commands/fault.ts')).default,
    },
    profile: {
      description: 'List network profiles, or apply one to all clients',
      load: async () => (await import('./commands/profile.ts')).default,
    },
    scenario: {
      description: 'Run or check scenarios: files that define faults, their times, and the expected result',
      load: async () => (await import('./commands/scenario.ts')).default,
    },
    load: {
      description: 'Run a load test: many clients, their faults, and the expected result',
      load: async () => (await import('./commands/load.ts')).default,
    },
    capture: {
      description: 'Capture packets for Wireshark, with the keys to decrypt them',
      load: async () => (await import('./commands/capture.ts')).default,
    },
    report: {
      description: 'Write a report about the running instance, without secrets, to attach to an issue',
      load: async () => (await import('./commands/report.ts')).default,
    },
    open: {
      description: 'Show a report like a running instance, read-only',
      load: async () => (await import('./commands/open.ts')).default,
    },
    reset: {
      description: 'Reset the running instance to its initial state: sessions, directory, faults, upstreams, clock',
      load: async () => (await import('./commands/reset.ts')).default,
    },
    stop: {
      description: 'Stop the running instance, and wait until it has ended',
      load: async () => (await import('./commands/stop.ts')).default,
    },
    ca: {
      description: 'Show the path and fingerprint of the CA certificate, and how to trust it',
      load: async () => (await import('./commands/ca.ts')).default,
    },
    config: {
      description: 'Check, show, describe or reload the configuration',
      load: async () => (await import('./commands/config.ts')).default,
    },
    init: {
      description: 'Write a commented configuration file',
      load: async () => (await import('./commands/init.ts')).default,
    },
    intune: {
      description: 'Export, import or check sites and policies, or show what an app gets from them',
      load: async () => (await import('./commands/intune.ts')).default,
    },
    app: {
      description: 'Check the app registration of a client',
      load: async () => (await import('./commands/app.ts')).default,
    },
    healthcheck: {
      description: 'Exit with 0 if the running instance is ready, 1 if not',
      load: async () => (await import('./commands/healthcheck.ts')).default,
    },
  },
};
