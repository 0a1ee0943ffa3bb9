/**
 * Bounds on what a header may make the reader hold. The largest public vocabularies (262,144 tokens, 450,000 merges)
 * need 12 MB of header; each bound leaves at least a factor of two above what was seen, and none grows with the file.
 */

/** Metadata and tensor list together. Also the most a caller ever reads before it has an answer. */
export const HEADER_BYTES_MAX = 64 * 1024 * 1024;

/** The format's own bound on a key. */
export const KEY_BYTES_MAX = 65_535;

/** The format's own bound on a tensor's name. */
export const TENSOR_NAME_BYTES_MAX = 64;

/** Chat templates reach 30 kB; a licence text as a value some more. */
export const STRING_BYTES_MAX = 1024 * 1024;

/** Files carry 20 to 60 keys. */
export const METADATA_ENTRIES_MAX = 1024;

/** One element a token or a merge rule. */
export const ARRAY_ELEMENTS_MAX = 1024 * 1024;

/** Over all arrays: tokens, scores, types and merges of one vocabulary. */
export const TOTAL_ELEMENTS_MAX = 4 * 1024 * 1024;

/** A 405B model has 1,140 tensors. */
export const TENSORS_MAX = 16_384;

/** The format's own bound. */
export const DIMENSIONS_MAX = 4;

/** Elements along one axis; the runtime indexes with int32. */
export const DIMENSION_MAX = 2 ** 31 - 1;

/** Default where `general.alignment` is absent (format specification). */
export const ALIGNMENT_DEFAULT_BYTES = 32;

/** The format asks for a multiple of 8; converters write 32. */
export const ALIGNMENT_MIN_BYTES = 8;
export const ALIGNMENT_MAX_BYTES = 65_536;
