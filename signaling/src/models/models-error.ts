import { CiroError } from '@ciro/core/errors.ts';

export type ModelsErrorCode =
  /** The file's tokenizer can't be built with equal results. */
  | 'unsupported-tokenizer'
  /** The tokenizer's metadata contradict themselves. */
  | 'bad-tokenizer'
  /** The file has no chat template, or it can't be parsed. */
  | 'bad-chat-template'
  /** The template refused these messages (its own words are in the message). */
  | 'chat-template-failed'
  /** No source of a model file could be reached. */
  | 'no-source'
  /** A file doesn't have the size or the hash it should have. */
  | 'wrong-hash'
  /** A file can't be read, or has no readable header. */
  | 'unreadable-file'
  /** Calibration met a row that the commitment can't express, or its process failed. */
  | 'calibration-refused'
  | 'calibration-failed'
  /** Bytes outside a shard were asked for, or a shard that no served model has. */
  | 'unknown-shard'
  | 'name-taken'
  | 'bad-range';

/** What the models room throws. Parsing a GGUF file throws GgufError, planning its import ModelError. */
export class ModelsError extends CiroError<ModelsErrorCode> {}
