import { CiroError } from '../errors.ts';

/** What an audit cannot be made from: rows or payloads of another shape, numbers that are no probability. */
export class AuditError extends CiroError<'wrong-shape' | 'bad-argument'> {}
