import * as v from 'valibot';
import { CiroError } from '../errors.ts';
import { CoordinatorMessage } from './control-from-coordinator.ts';
import { WorkerMessage } from './control-from-worker.ts';

export class ProtocolError extends CiroError<'malformed' | 'wrong-version' | 'bad-frame' | 'too-large' | 'too-many-open-frames'> {}

/** What is said of a bad message is cut to this: the sender chooses keys and values, and with them the text. */
const MAX_ISSUE_CHARACTERS = 200;

/** Checks a value from outside against a schema; throws `malformed` naming the first field that is wrong (SPEC W2). */
export function parseAs<Schema extends v.GenericSchema>(schema: Schema, value: unknown, what: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = (v.getDotPath(issue) ?? 'value').slice(0, MAX_ISSUE_CHARACTERS);
  throw new ProtocolError('malformed', `${what}: ${path}: ${issue.message.slice(0, MAX_ISSUE_CHARACTERS)}`, { fault: 'peer', fields: { path } });
}

/** A control message from a worker. */
export const parseWorkerMessage = (value: unknown): WorkerMessage => parseAs(WorkerMessage, value, 'message from a worker');

/** A control message from the coordinator. */
export const parseCoordinatorMessage = (value: unknown): CoordinatorMessage => parseAs(CoordinatorMessage, value, 'message from the coordinator');
