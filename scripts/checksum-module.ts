/** Assembles the WebAssembly module behind `src/wire/checksum.ts`. Opcodes are those of the WebAssembly core and SIMD specifications. */

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const BLOCK = 0x02;
const LOOP = 0x03;
const END = 0x0b;
const VOID = 0x40;
const BR = 0x0c;
const BR_IF = 0x0d;
const SIMD = 0xfd;

const leb = (value: number): number[] => {
  const out: number[] = [];
  do {
    const more = value > 0x7f;
    out.push((value & 0x7f) | (more ? 0x80 : 0));
    value >>>= 7;
  } while (value !== 0);
  return out;
};
/** Signed LEB128 of a number that is not negative. */
const sleb = (value: number): number[] => {
  const out: number[] = [];
  for (;;) {
    const low = value % 128;
    value = Math.floor(value / 128);
    if (value === 0 && low < 64) return [...out, low];
    out.push(low | 0x80);
  }
};
const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...leb(bytes.length), ...bytes];
const name = (text: string): number[] => [...leb(text.length), ...[...text].map((c) => c.charCodeAt(0))];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, ...sleb(value)];
const i64 = (value: number): number[] => [0x42, ...sleb(value)];
const I32_ADD = 0x6a;
const I32_GT_U = 0x4b;
const I32_GE_U = 0x4f;
const I64_ADD = 0x7c;
const I64_AND = 0x83;
const I64_SHR_U = 0x88;
const I64_EXTEND_I32_U = 0xad;
const I32_WRAP_I64 = 0xa7;
const I64_LOAD32_U = [0x35, 0, 0];
const I64_LOAD16_U = [0x33, 0, 0];
const I64_LOAD8_U = [0x31, 0, 0];
const v128Load = (offset: number): number[] => [SIMD, 0x00, 0, ...leb(offset)];
const I32X4_EXTADD_PAIRWISE_I16X8_U = [SIMD, 0x7f];
const I32X4_ADD = [SIMD, ...leb(0xae)];
const i32x4ExtractLane = (lane: number): number[] => [SIMD, 0x1b, lane];

// Locals: parameters first.
const AT = 0;
const LENGTH = 1;
const STOP = 2;
const SUM = 3;
const EVEN = 4;
const ODD = 5;

const advance = (bytes: number): number[] => [...get(AT), ...i32(bytes), I32_ADD, ...set(AT)];
/** Leaves the block that is `depth` out when fewer than `bytes` are left. */
const leaveUnless = (bytes: number, depth: number): number[] => [
  ...get(AT),
  ...i32(bytes),
  I32_ADD,
  ...get(STOP),
  I32_GT_U,
  BR_IF,
  depth,
];
const add = (load: readonly number[]): number[] => [...get(SUM), ...get(AT), ...load, I64_ADD, ...set(SUM)];
const whileLeft = (bytes: number, body: readonly number[]): number[] => [
  ...[BLOCK, VOID, LOOP, VOID],
  ...leaveUnless(bytes, 1),
  ...body,
  ...advance(bytes),
  ...[BR, 0, END, END],
];
const foldTo = (bits: number): number[] => [
  ...get(SUM),
  ...i64(2 ** bits - 1),
  I64_AND,
  ...get(SUM),
  ...i64(bits),
  I64_SHR_U,
  I64_ADD,
  ...set(SUM),
];

const body = [
  ...get(AT),
  ...get(LENGTH),
  I32_ADD,
  ...set(STOP),
  // 64 bytes a turn, in two accumulators of four 32-bit lanes: 64 KiB cannot overflow them.
  ...whileLeft(
    64,
    [0, 16, 32, 48].flatMap((offset, i) => {
      const lanes = i % 2 === 0 ? EVEN : ODD;
      return [
        ...get(lanes),
        ...get(AT),
        ...v128Load(offset),
        ...I32X4_EXTADD_PAIRWISE_I16X8_U,
        ...I32X4_ADD,
        ...set(lanes),
      ];
    }),
  ),
  ...[...get(EVEN), ...get(ODD), ...I32X4_ADD, ...set(EVEN)],
  ...[0, 1, 2, 3].flatMap((lane) => [
    ...get(SUM),
    ...get(EVEN),
    ...i32x4ExtractLane(lane),
    I64_EXTEND_I32_U,
    I64_ADD,
    ...set(SUM),
  ]),
  ...whileLeft(4, add(I64_LOAD32_U)),
  ...[BLOCK, VOID, ...leaveUnless(2, 0), ...add(I64_LOAD16_U), ...advance(2), END],
  ...[BLOCK, VOID, ...get(AT), ...get(STOP), I32_GE_U, BR_IF, 0, ...add(I64_LOAD8_U), END],
  ...foldTo(32),
  ...foldTo(16),
  ...foldTo(16),
  ...foldTo(16),
  ...get(SUM),
  I32_WRAP_I64,
  END,
];
const locals = vector([
  [1, I32],
  [1, I64],
  [2, V128],
]);
const code = [...locals, ...body];

/** `(import "" "m" (memory 1)) (func (export "s") (param $at i32) (param $length i32) (result i32))` */
export const checksumModule: Uint8Array = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, vector([[0x60, ...vector([[I32], [I32]]), ...vector([[I32]])]])),
  ...section(2, vector([[...name(''), ...name('m'), 2, 0, 1]])),
  ...section(3, vector([[0]])),
  ...section(7, vector([[...name('s'), 0, 0]])),
  ...section(10, vector([[...leb(code.length), ...code]])),
]);

/** Text of `src/wire/checksum-wasm.ts`. */
export function checksumModuleSource(): string {
  const lines = Buffer.from(checksumModule)
    .toString('base64')
    .match(/.{1,100}/g)!;
  return `// Made by scripts/make-checksum-wasm.ts from scripts/checksum-module.ts; do not edit.

/** WebAssembly module that sums 16-bit words with SIMD, in base64. */
export const CHECKSUM_WASM =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
}
