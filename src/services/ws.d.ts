// The part of `ws` that the mock network uses: the package has no type declarations.
declare module 'ws' {
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  interface WebSocket {
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'message', listener: (data: Buffer, binary: boolean) => void): this;
    send(data: Buffer, options: { readonly binary: boolean }, done: (error?: Error) => void): void;
    pause(): void;
    resume(): void;
    terminate(): void;
  }

  export class WebSocketServer {
    constructor(options: { readonly noServer: true; readonly maxPayload: number });
    handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer, opened: (socket: WebSocket) => void): void;
  }
}
