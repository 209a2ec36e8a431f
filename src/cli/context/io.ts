/** The streams and environment of a command: the process's own, or a test's. */
export interface CliIo {
  /** Results; with --json, JSON only. */
  out(text: string): void;
  /** The same for bytes; converted to text if the stream does not support that. */
  outBytes?(bytes: Uint8Array): void;
  /** Messages for people. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Colors are for terminals. */
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
  /** The requested action failed, or a check failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const;
