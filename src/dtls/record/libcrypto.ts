import { type Koffi, layoutIsKnown, loadKoffi } from '../../udp/koffi.ts';

/** The calls of libcrypto (EVP_EncryptInit(3)) that seal and open TLS records. Contexts and addresses are plain numbers. */
export interface Libcrypto {
  /** 0 when out of memory. */
  newContext(): number;
  freeContext(context: number): void;
  /** Sets cipher and key; false when this OpenSSL does not have the cipher. */
  init(context: number, cipher: string, key: Buffer, encrypt: boolean): boolean;
  /** `EVP_CIPHER_CTX_ctrl` with its argument by address. */
  control(context: number, command: number, length: number, address: number): number;
  /** `EVP_Cipher`, in place; negative when the record is not authentic. */
  run(context: number, output: number, input: number, length: number): number;
  /** Empties the thread's error queue, which others read. */
  clearErrors(): void;
  addressOf(memory: ArrayBufferLike): number;
}

let libcrypto: Libcrypto | string | undefined;

/** The OpenSSL inside the `node` binary, or the reason why it is unavailable. */
export function loadLibcrypto(): Libcrypto | string {
  libcrypto ??= load();
  return libcrypto;
}

function load(): Libcrypto | string {
  if (!layoutIsKnown()) return `the calling conventions of ${process.arch} are not supported`;
  const result = loadKoffi();
  if ('missing' in result) return result.missing;
  try {
    return declare(result.koffi);
  } catch {
    return 'this Node.js does not export the functions of its OpenSSL';
  }
}

function declare(koffi: Koffi): Libcrypto {
  const library = koffi.load(null);
  const create = library.func('EVP_CIPHER_CTX_new', 'void *', []) as () => bigint | null;
  const free = library.func('EVP_CIPHER_CTX_free', 'void', ['size_t']) as (context: number) => void;
  const byName = library.func('EVP_get_cipherbyname', 'void *', ['str']) as (name: string) => bigint | null;
  const init = library.func('EVP_CipherInit_ex', 'int', ['size_t', 'void *', 'void *', 'void *', 'void *', 'int']);
  const clear = library.func('ERR_clear_error', 'void', []) as () => void;
  return {
    newContext: () => Number(create() ?? 0n),
    freeContext: free,
    init(context, cipher, key, encrypt) {
      const method = byName(cipher);
      return Boolean(method) && init(context, method, null, key, null, encrypt ? 1 : 0) === 1;
    },
    control: library.func('EVP_CIPHER_CTX_ctrl', 'int', ['size_t', 'int', 'int', 'size_t']) as Libcrypto['control'],
    run: library.func('EVP_Cipher', 'int', ['size_t', 'size_t', 'size_t', 'uint']) as Libcrypto['run'],
    clearErrors: clear,
    addressOf: (memory) => Number(koffi.address(memory as ArrayBuffer)),
  };
}
