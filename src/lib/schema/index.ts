export { cidrOfMask, FORMATS, type Format } from './formats.ts';
export { suggest } from './suggest.ts';
export { type Static, type TSchema, Type } from './type.ts';
export { describe, type Path, type Problem, pathText, type ValidateOptions, validate } from './validate.ts';
