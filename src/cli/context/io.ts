/** What a command talks to: the process's own streams and environment, or a test's. */
export interface CliIo {
  /** Results; with --json, JSON only. */
  out(text: string): void;
  /** The same, byte by byte; as text where there is no such way. */
  outBytes?(bytes: Uint8Array): void;
  /** Messages for people. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Colours are for terminals. */
  readonly colors: boolean;
}

export const processIo: CliIo = {
  out: (text) => void process.stdout.write(text),
  outBytes: (bytes) => void process.stdout.write(bytes),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  colors: process.stdout.isTTY === true && !process.env.NO_COLOR,
};

/** Exit codes, the same for every command. */
export const EXIT = {
  ok: 0,
  /** What was asked for could not be done, or a check failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const;
