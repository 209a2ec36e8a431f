import { type Koffi, layoutIsKnown, loadKoffi } from './koffi.ts';

/** The functions of the C library for batched UDP. Addresses are plain numbers; a negative result means "see errno". */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  getsockname(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  close(fd: number): number;
  recvmmsg(fd: number, vector: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, vector: number, count: number, flags: number): number;
  errno(): number;
  addressOf(memory: ArrayBuffer): number;
}

let libc: Libc | string | undefined;

/** The functions, or the reason why they are not available. */
export function loadLibc(): Libc | string {
  libc ??= load();
  return libc;
}

function load(): Libc | string {
  if (process.platform !== 'linux') return 'batched UDP is for Linux only';
  if (!layoutIsKnown()) return `the memory layout of ${process.arch} is not known here`;
  const result = loadKoffi();
  if ('missing' in result) return result.missing;
  try {
    return declare(result.koffi);
  } catch {
    return 'the C library has no recvmmsg and sendmmsg';
  }
}

function declare(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const fn = <T>(name: string, ...parameters: string[]): T => library.func(name, 'int', parameters) as T;
  return {
    socket: fn('socket', 'int', 'int', 'int'),
    bind: fn('bind', 'int', 'size_t', 'uint'),
    getsockname: fn('getsockname', 'int', 'size_t', 'size_t'),
    setsockopt: fn('setsockopt', 'int', 'int', 'int', 'size_t', 'uint'),
    close: fn('close', 'int'),
    recvmmsg: fn('recvmmsg', 'int', 'size_t', 'uint', 'int', 'size_t'),
    sendmmsg: fn('sendmmsg', 'int', 'size_t', 'uint', 'int'),
    errno: () => koffi.errno(),
    addressOf: (memory) => Number(koffi.address(memory)),
  };
}
