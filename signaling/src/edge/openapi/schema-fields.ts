/** One field of a schema, to be read. */
export interface FieldRow {
  readonly field: string;
  readonly type: string;
  readonly what: string;
  readonly required: boolean;
}

/** The part of JSON Schema that our schemas are made of. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly $ref?: string;
}

/** Objects in objects are shown as far as this; messages of a request are the deepest there is. */
const MAX_DEPTH = 5;

/** Every field below a schema, by its path; of a choice, the fields of each kind. */
export function fieldRows(schema: unknown): readonly FieldRow[] {
  const rows = new Map<string, FieldRow>();
  for (const row of rowsOf(schema as Schema, '', 0)) if (!rows.has(row.field)) rows.set(row.field, row);
  return [...rows.values()];
}

function rowsOf(schema: Schema, path: string, depth: number): FieldRow[] {
  if (depth > MAX_DEPTH) return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [{ field, type: typeOf(member), what: whatOf(member), required: schema.required?.includes(name) ?? false }, ...rowsOf(member, field, depth + 1)];
  });
  const kinds = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((kind) => rowsOf(kind, path, depth));
  const items = schema.items === undefined ? [] : rowsOf(schema.items, `${path}[]`, depth + 1);
  return [...own, ...kinds, ...items];
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const kinds = schema.anyOf ?? schema.oneOf;
  if (kinds !== undefined) return [...new Set(kinds.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`;
  return schema.type ?? 'anything';
}

function whatOf(schema: Schema): string {
  const limits = [...new Set([schema, ...(schema.anyOf ?? [])].flatMap(limitsOf))];
  const said = [schema, ...(schema.anyOf ?? [])].flatMap(({ description }) => description ?? []);
  return [...new Set(said), ...limits].join('; ');
}

function limitsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems, pattern }: Schema): string[] {
  const between = (what: string, least: number | undefined, most: number | undefined): string[] => {
    const top = most === undefined || most === Number.MAX_SAFE_INTEGER ? undefined : `at most ${most}${what}`;
    const bottom = least === undefined || least === Number.MIN_SAFE_INTEGER ? undefined : `at least ${least}${what}`;
    return [bottom, top].filter((each) => each !== undefined);
  };
  return [...between('', minimum, maximum), ...between(' characters', minLength, maxLength), ...between(' items', minItems, maxItems), ...(pattern === undefined ? [] : [`\`${pattern}\``])];
}
