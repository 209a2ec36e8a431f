import type { Socket } from 'node:net';
import type { Emit } from '../telemetry/events.ts';
import { DESCRIPTOR_RESERVE, DESCRIPTOR_RESERVE_SHARE } from './constants.ts';

/**
 * Reports when file descriptors run out. A process without free descriptors gets no error: libuv accepts such a connection and closes
 * it (uv__emfile_trick), and the client sees a server that hangs up. This class therefore watches the descriptor numbers of accepted
 * sockets, since the system always assigns the lowest free one. The last descriptors are reserved for files and connections to
 * upstreams.
 */
export class DescriptorWatch {
  readonly #limit: number | undefined;
  readonly #reserve: number;
  readonly #emit: Emit;
  /** Reported, and not recovered since. */
  #told = false;

  /** @param limit descriptors that the process may have; undefined = not known */
  constructor(limit: number | undefined, emit: Emit) {
    this.#limit = limit;
    this.#reserve = Math.max(DESCRIPTOR_RESERVE, Math.floor((limit ?? 0) / DESCRIPTOR_RESERVE_SHARE));
    this.#emit = emit;
  }

  /** Call for each accepted connection. True when its descriptor is one of the last: a connection must be closed for it. */
  accepted(descriptor: number | undefined): boolean {
    if (descriptor === undefined || descriptor < 0 || this.#limit === undefined) return false;
    const left = this.#limit - 1 - descriptor;
    if (left >= 2 * this.#reserve) this.#told = false;
    if (left >= this.#reserve) return false;
    if (!this.#told) this.#tell(this.#limit, left);
    return true;
  }

  #tell(limit: number, left: number): void {
    this.#told = true;
    this.#emit('gateway.descriptors', {
      limit,
      explanation: `${left} of the ${limit} file descriptors of this process are left. Each new connection closes one that has not authenticated, or is closed itself if there is none.`,
    });
  }

  /** Call when the listener reports an error on accept. */
  failed(error: NodeJS.ErrnoException): void {
    this.#emit('gateway.descriptors', {
      limit: this.#limit,
      explanation:
        error.code === 'EMFILE' || error.code === 'ENFILE'
          ? `A connection could not be accepted: no file descriptor is left (${error.code}).`
          : `A connection could not be accepted (${error.code ?? error.message}).`,
    });
  }
}

/** The descriptor of a socket; undefined if Node does not expose one. */
export function descriptorOf(socket: Socket): number | undefined {
  return (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
}
