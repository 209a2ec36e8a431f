import { writeFileSync } from 'node:fs';
import { checksumModuleSource } from './checksum-module.ts';

writeFileSync(new URL('../src/wire/checksum-wasm.ts', import.meta.url), checksumModuleSource());
