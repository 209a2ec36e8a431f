/** Observes the bytes between a client and an upstream. It must not change them, and must not keep their memory. */
export interface ConnectionWatch {
  /** Nothing more to observe: further calls, except `close`, are unnecessary. */
  readonly over: boolean;
  fromClient(bytes: Buffer): void;
  fromServer(bytes: Buffer): void;
  /** The upstream has closed its side. */
  serverEnded(): void;
  /** One side has closed. */
  close(): void;
}
