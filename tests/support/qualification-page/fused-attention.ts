import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { addNorm, addProduct } from '@ciro/core/model/graph/layer-nodes.ts';
import { OnnxModel } from '@ciro/core/model/graph/onnx-model.ts';
import { ropeTables } from '@ciro/core/numeric/rope-tables.ts';
import { createSession } from '@ciro/web/engine/ort.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { FeedTensor } from '@ciro/core/model/job-cache.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { EngineSession } from '@ciro/web/engine/ort.ts';
import type { SessionFactory } from '@ciro/web/engine/qualification.ts';

const FUSED = 'GroupQueryAttention';
/** ONNX TensorProto.DataType. */
const INT32 = 6;

/**
 * Sessions of the same layers with attention fused into one operator of the library, as an optimiser of speed would build
 * them: rotation, cache and attention in `GroupQueryAttention`. Everything else, and the head, stays as it is.
 */
export function fusedSessions(architecture: Architecture): SessionFactory {
  return async (provider, graph, weight) => {
    const layer = /layer-(\d+)\.qkv/.exec(graph.weights.find(({ name }) => name.endsWith('.qkv'))?.name ?? '')?.[1];
    if (layer === undefined) return createSession(provider, graph, weight);
    const session = await createSession(provider, fusedLayer(architecture, Number(layer), graph.weights.some(({ name }) => name === 'final_norm')), weight);
    return new FusedSession(session, architecture, Number(layer));
  };
}

/** Speaks the stage graph's inputs and outputs, and keeps keys and values itself: it is run in position order, one job only. */
class FusedSession implements EngineSession {
  readonly weightBytes: number;
  readonly #session: EngineSession;
  readonly #architecture: Architecture;
  readonly #layer: number;
  #length = 0;
  #cache: { readonly key: Float32Array; readonly value: Float32Array } = { key: new Float32Array(0), value: new Float32Array(0) };

  constructor(session: EngineSession, architecture: Architecture, layer: number) {
    this.weightBytes = session.weightBytes;
    this.#session = session;
    this.#architecture = architecture;
    this.#layer = layer;
  }

  async run(feeds: Readonly<Record<string, FeedTensor>>) {
    const { hidden: width, kvHeads, headDim, context } = this.#architecture;
    const hidden = feeds['hidden'];
    if (hidden === undefined || !(hidden.data instanceof Float32Array)) throw new TypeError('the layers graph was not given its rows');
    const count = hidden.data.length / width;
    const past = this.#length;
    const whole = ropeTables(this.#architecture, Array.from({ length: context }, (_, position) => position));
    const half = (table: Float32Array): FeedTensor => ({ data: table.filter((_, at) => at % headDim < headDim / 2), dims: [context, headDim / 2] });
    const cache = (data: Float32Array): FeedTensor => ({ data, dims: [1, kvHeads, past, headDim] });
    const outputs = await this.#session.run({
      hidden: { data: hidden.data, dims: [1, count, width] },
      cos: half(whole.cos),
      sin: half(whole.sin),
      last: { data: BigInt64Array.of(BigInt(past + count - 1)), dims: [1] },
      total: { data: BigInt64Array.of(BigInt(past + count)), dims: [1] },
      past_key: cache(this.#cache.key),
      past_value: cache(this.#cache.value),
    });
    const { rows, present_key: key, present_value: value } = outputs;
    if (rows === undefined || key === undefined || value === undefined) throw new TypeError('the fused graph gave not all of its outputs');
    this.#length += count;
    this.#cache = { key: key.slice(), value: value.slice() };
    // The runner's own cache is written and never read here.
    const added = new Float32Array(kvHeads * count * headDim);
    return { rows, [`new_key.${this.#layer}`]: added, [`new_value.${this.#layer}`]: added };
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function fusedLayer(architecture: Architecture, layer: number, heads: boolean): Graph {
  const { hidden, heads: queryHeads, kvHeads, headDim, feedForward } = architecture;
  const model = new OnnxModel(`fused layer ${layer}`);
  const at = (name: string): string => `layer-${layer}.${name}`;
  const width = (queryHeads + 2 * kvHeads) * headDim;
  const x = model.input('hidden', [1, 'T', hidden]);
  const half = ['N', headDim / 2] as const;
  const [cos, sin] = [model.input('cos', half), model.input('sin', half)];
  const past = [model.input('past_key', [1, kvHeads, 'P', headDim]), model.input('past_value', [1, kvHeads, 'P', headDim])];
  const counts = ['last', 'total'].map((name) => model.node('Cast', [model.input(name, [1], 'int64')], `${name}_32`, { to: INT32 }));
  const flat = model.node('Reshape', [x, model.integers([-1, hidden])], 'flat');
  addProduct(model, addNorm(model, architecture, flat, at('attention_norm'), 'attention_input'), at('qkv'), [width, hidden], 'projected');
  model.node('Reshape', ['projected', model.integers([1, -1, width])], 'packed');
  const present = (['present_key', 'present_value'] as const).map((name) => model.output(name, [1, kvHeads, 'S', headDim]));
  model.nodeWithOutputs(FUSED, ['packed', '', '', ...past, ...counts, cos, sin], ['mixed', ...present], { num_heads: queryHeads, kv_num_heads: kvHeads, do_rotary: 1, rotary_interleaved: 0 });
  model.node('Reshape', ['mixed', model.integers([-1, queryHeads * headDim])], 'mixed_flat');
  addProduct(model, 'mixed_flat', at('output'), [hidden, queryHeads * headDim], 'attended');
  const middle = model.node('Add', [flat, 'attended'], 'middle');
  addProduct(model, addNorm(model, architecture, middle, at('feed_forward_norm'), 'feed_forward_input'), at('gate_up'), [2 * feedForward, hidden], 'gate_up');
  model.nodeWithOutputs('Split', ['gate_up', model.integers([feedForward, feedForward])], ['gate', 'up'], { axis: -1 });
  model.node('Mul', ['gate', model.node('Sigmoid', ['gate'], 'gate_sigmoid')], 'gate_silu');
  model.node('Mul', ['gate_silu', 'up'], 'gated');
  addProduct(model, 'gated', at('down'), [hidden, feedForward], 'fed_forward');
  const rows = model.output('rows', ['M', hidden]);
  if (heads) addNorm(model, architecture, model.node('Add', [middle, 'fed_forward'], 'out'), 'final_norm', rows);
  else model.node('Add', [middle, 'fed_forward'], rows);
  return { bytes: inContribDomain(model.bytes()), inputs: model.inputs, outputs: model.outputs, weights: model.weights };
}

/** Puts the fused operator into its domain, which stage graphs have no need for: NodeProto.domain, field 7. */
function inContribDomain(model: Uint8Array): Uint8Array {
  const node = (bytes: Uint8Array): Uint8Array => {
    if (!textOf(bytes).includes(FUSED)) return bytes;
    const domain = new BinaryWriter().tag(7, WireType.LengthDelimited).string('com.microsoft').finish();
    return new Uint8Array([...bytes, ...domain]);
  };
  return changed(model, 7, (graph) => changed(graph, 1, node));
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** A message whose length-delimited fields of this number are replaced. */
function changed(message: Uint8Array, field: number, change: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const reader = new BinaryReader(message);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) writer.tag(number, type).bytes(change(reader.bytes()));
    else {
      reader.skip(type, number);
      writer.raw(message.subarray(from, reader.pos));
    }
  }
  return writer.finish();
}
