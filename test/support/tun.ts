import koffi from 'koffi';
import type { Namespace } from './namespace.ts';

const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const POLLIN = 1;
/** Packets taken in one turn of the event loop. */
const BATCH = 64;
/** How long one wait in the thread pool may take, in milliseconds; bounds how long closing takes. */
const POLL_MS = 50;

type Libc = ReturnType<typeof bind>;

function bind() {
  const libc = koffi.load('libc.so.6');
  return {
    open: libc.func('int open(const char *path, int flags)'),
    ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
    read: libc.func('int64_t read(int fd, void *buffer, size_t length)'),
    write: libc.func('int64_t write(int fd, void *buffer, size_t length)'),
    poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
    close: libc.func('int close(int fd)'),
  };
}

let libc: Libc | undefined;

export interface TunOptions {
  readonly name?: string;
  readonly mtu?: number;
  /** The kernel's own addresses on the device, in CIDR form. */
  readonly addresses: readonly string[];
  /** Networks that the kernel sends into the device. */
  readonly routes: readonly string[];
  readonly onPacket: (buffer: Buffer, offset: number, length: number) => void;
  readonly onBatchEnd: () => void;
}

/** A TUN device in a namespace: the kernel's IP packets come out of it, and what is written goes to the kernel. */
export class Tun {
  readonly name: string;
  readonly #fd: number;
  readonly #options: TunOptions;
  readonly #libc: Libc;
  readonly #buffer = Buffer.allocUnsafeSlow(65_536);
  readonly #pollFd = Buffer.alloc(8);
  #closed = false;
  #ended: Promise<void>;
  /** Packets that the kernel took, and those that it did not. */
  written = 0;
  refused = 0;
  read = 0;

  private constructor(fd: number, name: string, library: Libc, options: TunOptions) {
    this.#fd = fd;
    this.name = name;
    this.#libc = library;
    this.#options = options;
    this.#pollFd.writeInt32LE(fd, 0);
    this.#pollFd.writeInt16LE(POLLIN, 4);
    this.#ended = this.#run();
  }

  static async open(namespace: Namespace, options: TunOptions): Promise<Tun> {
    libc ??= bind();
    const library = libc;
    const name = options.name ?? 'tun0';
    const fd = await namespace.inside(async () => {
      const handle: number = library.open('/dev/net/tun', O_RDWR | O_NONBLOCK);
      if (handle < 0) throw new Error(`/dev/net/tun cannot be opened: errno ${koffi.errno()}`);
      const request = Buffer.alloc(40);
      request.write(name);
      request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
      if (library.ioctl(handle, TUNSETIFF, request) < 0) throw new Error(`TUNSETIFF failed: errno ${koffi.errno()}`);
      return handle;
    });
    namespace.ip('link', 'set', name, 'mtu', String(options.mtu ?? 1400), 'txqueuelen', '2000', 'up');
    for (const address of options.addresses)
      namespace.ip('addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
    for (const route of options.routes) namespace.ip('route', 'add', route, 'dev', name);
    return new Tun(fd, name, library, options);
  }

  /** Hands one packet to the kernel; false when its queue is full. */
  write(buffer: Buffer, offset: number, length: number): boolean {
    if (this.#closed) return false;
    const written = this.#libc.write(this.#fd, buffer.subarray(offset, offset + length), length);
    if (Number(written) === length) this.written++;
    else this.refused++;
    return Number(written) === length;
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#ended;
    this.#closed = true;
    await this.#ended;
    this.#libc.close(this.#fd);
  }

  /** Takes packets while there are any, giving way to the event loop after each batch; waits in the thread pool otherwise. */
  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#drain() > 0) await new Promise((resolve) => setImmediate(resolve));
      else await new Promise<void>((resolve) => this.#libc.poll.async(this.#pollFd, 1, POLL_MS, () => resolve()));
    }
  }

  #drain(): number {
    let count = 0;
    while (count < BATCH && !this.#closed) {
      const length = Number(this.#libc.read(this.#fd, this.#buffer, this.#buffer.length));
      if (length <= 0) break;
      count++;
      this.#options.onPacket(this.#buffer, 0, length);
    }
    this.read += count;
    if (count > 0) this.#options.onBatchEnd();
    return count;
  }
}
