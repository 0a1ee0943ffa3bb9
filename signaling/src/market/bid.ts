import * as v from 'valibot';
import { PRIORITIES, SERVICE_CLASSES } from '@ciro/core/pricing/price-book.ts';
import { refuseField } from '../intake/intake-error.ts';
import type { Priority, ServiceClass } from '@ciro/core/pricing/price-book.ts';
import type { Assurance } from '../intake/chat-request.ts';

/** What a requester wants to pay for, and how much at most (SPEC M13, M15). Amounts in base units, as text: it is kept as JSON. */
export interface Bid {
  readonly serviceClass: ServiceClass;
  readonly priority: Priority;
  /** The most that the request may cost. */
  readonly maxPrice?: string;
  /** A price that was asked for before. */
  readonly quote?: string;
}

export const STANDARD_BID: Bid = { serviceClass: 'standard', priority: 'normal' };

/** Its part of `ciro` in a request. */
export const BID_ENTRIES = {
  service_class: v.nullish(v.picklist(SERVICE_CLASSES, `expected ${SERVICE_CLASSES.join(', ')}`)),
  priority: v.nullish(v.picklist(PRIORITIES, `expected ${PRIORITIES.join(' or ')}`)),
  max_price: v.nullish(v.pipe(v.string('expected base units as text'), v.regex(/^(0|[1-9][0-9]{0,40})$/, 'expected base units as text, 1000000000000000000 for one credit'))),
  quote: v.nullish(v.pipe(v.string('expected the id of a quote'), v.regex(/^quote-[0-9a-f]{32}$/, 'expected the id that POST /v1/quotes gave'))),
};

type Said = { readonly [Name in keyof typeof BID_ENTRIES]?: v.InferOutput<(typeof BID_ENTRIES)[Name]> | undefined } & { readonly assurance?: Assurance | null | undefined };

/** The bid of a request, undefined where it says nothing of the kind, and the assurance that goes with it. */
export function bidOf({ service_class: serviceClass, priority, max_price: maxPrice, quote, assurance }: Said): { readonly bid?: Bid; readonly assurance: Assurance } {
  if (serviceClass === 'redundant' && assurance === 'stream') throw refuseField('invalid_value', 'ciro.assurance', 'a redundant answer is given out once it was checked; leave ciro.assurance out, or ask for service_class standard');
  if (serviceClass === 'spot' && priority === 'high') throw refuseField('invalid_value', 'ciro.priority', 'a spot answer waits behind all others and has no priority; ask for service_class standard');
  const said = serviceClass != null || priority != null || maxPrice != null || quote != null;
  const bid: Bid = { serviceClass: serviceClass ?? STANDARD_BID.serviceClass, priority: priority ?? STANDARD_BID.priority, ...(maxPrice != null && { maxPrice }), ...(quote != null && { quote }) };
  return { assurance: serviceClass === 'redundant' ? 'checked' : (assurance ?? 'stream'), ...(said && { bid }) };
}
