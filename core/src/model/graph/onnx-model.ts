/**
 * Writes ONNX ModelProto bytes. Field numbers are those of onnx/onnx.proto (IR version 10); the wire format is protobuf.
 * Only what stage graphs need: float32 and int64 tensors, int and float attributes, external data by file name.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** ONNX TensorProto.DataType. */
const FLOAT = 1;
const INT64 = 7;
/** ONNX AttributeProto.AttributeType. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const EXTERNAL = 1;
const IR_VERSION = 10;
/** Opset 20 has every operator used here; the library's optimiser puts fused ones of com.microsoft in their place. */
const OPSET = 20;

/** A dimension is a number, or a name when it changes between runs. */
export type Dimension = number | string;
export type Attribute = number | readonly number[] | { readonly float: number };

/** A weight whose float32 values the session is given separately, under the file name `name`. */
export interface ExternalWeight {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Collects nodes, constants, inputs and outputs of one graph; `bytes()` encodes them. Every method returns the value's name. */
export class OnnxModel {
  readonly inputs: string[] = [];
  readonly outputs: string[] = [];
  readonly weights: ExternalWeight[] = [];
  readonly #name: string;
  readonly #nodes: Uint8Array[] = [];
  readonly #initialisers: Uint8Array[] = [];
  readonly #inputInfos: Uint8Array[] = [];
  readonly #outputInfos: Uint8Array[] = [];
  readonly #constants = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Adds a node with one output. */
  node(operator: string, inputs: readonly string[], output: string, attributes: Record<string, Attribute> = {}): string {
    this.nodeWithOutputs(operator, inputs, [output], attributes);
    return output;
  }

  nodeWithOutputs(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Record<string, Attribute> = {}): void {
    const writer = new BinaryWriter();
    for (const input of inputs) writer.tag(1, WireType.LengthDelimited).string(input);
    for (const output of outputs) writer.tag(2, WireType.LengthDelimited).string(output);
    writer.tag(3, WireType.LengthDelimited).string(outputs[0] ?? operator);
    writer.tag(4, WireType.LengthDelimited).string(operator);
    for (const [name, value] of Object.entries(attributes)) writer.tag(5, WireType.LengthDelimited).bytes(attribute(name, value));
    this.#nodes.push(writer.finish());
  }

  input(name: string, dims: readonly Dimension[], type: 'float32' | 'int64' = 'float32'): string {
    this.inputs.push(name);
    this.#inputInfos.push(valueInfo(name, dims, type));
    return name;
  }

  output(name: string, dims: readonly Dimension[]): string {
    this.outputs.push(name);
    this.#outputInfos.push(valueInfo(name, dims, 'float32'));
    return name;
  }

  weight(name: string, dims: readonly number[]): string {
    this.weights.push({ name, dims });
    const writer = new BinaryWriter();
    for (const dim of dims) writer.tag(1, WireType.Varint).int64(dim);
    writer.tag(2, WireType.Varint).int32(FLOAT);
    writer.tag(8, WireType.LengthDelimited).string(name);
    const byteLength = 4 * dims.reduce((product, dim) => product * dim, 1);
    for (const [key, value] of [['location', name], ['offset', '0'], ['length', String(byteLength)]] as const) {
      writer.tag(13, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value);
      writer.join();
    }
    writer.tag(14, WireType.Varint).int32(EXTERNAL);
    this.#initialisers.push(writer.finish());
    return name;
  }

  /** An int64 vector, shared between nodes that ask for the same values. */
  integers(values: readonly number[]): string {
    const name = `int:${values.join(',')}`;
    const data = new DataView(new ArrayBuffer(8 * values.length));
    values.forEach((value, i) => data.setBigInt64(8 * i, BigInt(value), true));
    return this.#constant(name, INT64, [values.length], data);
  }

  /** A float32 scalar, shared between nodes that ask for the same value. */
  float(value: number): string {
    const data = new DataView(new ArrayBuffer(4));
    data.setFloat32(0, value, true);
    return this.#constant(`float:${value}`, FLOAT, [], data);
  }

  /** The encoded ModelProto. */
  bytes(): Uint8Array {
    const model = new BinaryWriter();
    model.tag(1, WireType.Varint).int64(IR_VERSION);
    model.tag(2, WireType.LengthDelimited).string('ciro');
    model.tag(7, WireType.LengthDelimited).fork();
    for (const node of this.#nodes) model.tag(1, WireType.LengthDelimited).bytes(node);
    model.tag(2, WireType.LengthDelimited).string(this.#name);
    for (const initialiser of this.#initialisers) model.tag(5, WireType.LengthDelimited).bytes(initialiser);
    for (const info of this.#inputInfos) model.tag(11, WireType.LengthDelimited).bytes(info);
    for (const info of this.#outputInfos) model.tag(12, WireType.LengthDelimited).bytes(info);
    model.join();
    for (const [domain, version] of [['', OPSET], ['com.microsoft', 1]] as const) {
      model.tag(8, WireType.LengthDelimited).fork();
      model.tag(1, WireType.LengthDelimited).string(domain).tag(2, WireType.Varint).int64(version);
      model.join();
    }
    return model.finish();
  }

  #constant(name: string, type: number, dims: readonly number[], data: DataView<ArrayBuffer>): string {
    if (!this.#constants.has(name)) {
      this.#constants.add(name);
      const writer = new BinaryWriter();
      for (const dim of dims) writer.tag(1, WireType.Varint).int64(dim);
      writer.tag(2, WireType.Varint).int32(type);
      writer.tag(8, WireType.LengthDelimited).string(name);
      writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer));
      this.#initialisers.push(writer.finish());
    }
    return name;
  }
}

function attribute(name: string, value: Attribute): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
  if (typeof value === 'number') {
    writer.tag(3, WireType.Varint).int64(value).tag(20, WireType.Varint).int32(ATTRIBUTE_INT);
  } else if ('float' in value) {
    writer.tag(2, WireType.Bit32).float(value.float).tag(20, WireType.Varint).int32(ATTRIBUTE_FLOAT);
  } else {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item);
    writer.tag(20, WireType.Varint).int32(ATTRIBUTE_INTS);
  }
  return writer.finish();
}

/** ValueInfoProto { name, TypeProto { Tensor { elem_type, TensorShapeProto { dim { dim_value | dim_param } } } } }. */
function valueInfo(name: string, dims: readonly Dimension[], type: 'float32' | 'int64'): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
  writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int32(type === 'float32' ? FLOAT : INT64);
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const dim of dims) {
    writer.tag(1, WireType.LengthDelimited).fork();
    if (typeof dim === 'number') writer.tag(1, WireType.Varint).int64(dim);
    else writer.tag(2, WireType.LengthDelimited).string(dim);
    writer.join();
  }
  writer.join().join().join();
  return writer.finish();
}
