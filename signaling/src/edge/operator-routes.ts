import * as v from 'valibot';
import { NodeId } from '@ciro/core/ids.ts';
import { showsToken } from './bearer-token.ts';
import type { FastifyInstance } from 'fastify';

/** Port: workers that are given nothing new for a while. */
export interface Drains {
  worst(): NodeId | undefined;
  /** False where it is left as it is. */
  drain(worker: NodeId): boolean;
}

export interface OperatorRouteOptions {
  /** Whoever acts as the operator has to show it (`CIRO_OPERATOR_TOKEN`); without one there are no such routes. */
  readonly operatorToken?: string;
}

/** Alerts of one call: Alertmanager groups them, and never that many. */
const MAX_ALERTS = 100;
const Labels = v.objectWithRest({ drain: v.optional(v.string()), node_id: v.optional(NodeId) }, v.string());
/** What Alertmanager sends (its webhook, version 4), as far as it is read. */
const Webhook = v.object({ alerts: v.pipe(v.array(v.object({ status: v.picklist(['firing', 'resolved']), labels: Labels })), v.maxLength(MAX_ALERTS)) });

/**
 * `POST /operator/alerts`: a firing alert with the label `drain` drains a worker by itself (SPEC O5): the one that its label `node_id` names, or the one
 * that most failures of the last minutes are due to; never one that nobody could stand in for. Answers with who was drained, which may be nobody.
 */
export function operatorRoutes(app: FastifyInstance, drains: Drains, { operatorToken }: OperatorRouteOptions): void {
  if (operatorToken === undefined) return;
  app.post('/operator/alerts', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const refuse = (status: number, type: string, code: string, message: string) => reply.code(status).send({ error: { message, type, param: null, code } });
    if (!showsToken(request.headers.authorization, operatorToken)) return refuse(401, 'authentication_error', 'invalid_operator_token', 'send the header "Authorization: Bearer …" with the token of CIRO_OPERATOR_TOKEN');
    const parsed = v.safeParse(Webhook, request.body);
    if (!parsed.success) return refuse(400, 'invalid_request_error', 'bad_request', 'the body is no Alertmanager webhook of version 4: {"alerts":[{"status","labels"}]}');
    const wanted = parsed.output.alerts.filter(({ status, labels }) => status === 'firing' && labels.drain !== undefined);
    const workers = new Set(wanted.flatMap(({ labels }) => labels.node_id ?? drains.worst() ?? []));
    const drained = [...workers].filter((worker) => drains.drain(worker));
    for (const worker of drained) request.log.warn({ worker, alerts: wanted.length }, 'a worker is drained by an alert');
    return { object: 'operator.alerts', drained };
  });
}
