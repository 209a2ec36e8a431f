import module from 'node:module';
import { join } from 'node:path';

/*
 * Imported before each test file (.taprc): compiled code, and TypeScript without its types, are kept from one file to the next. A file
 * that starts a simulator loads a thousand modules, and takes a third less processor time so.
 */
module.enableCompileCache?.(join(import.meta.dirname, '../../.tap/code-cache'));
