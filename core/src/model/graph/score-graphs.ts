/**
 * Small graphs in the shapes of three well-known networks, with made-up weights, on which a device is scored (SPEC W4): what it can do for work other than
 * language models. They keep the operators and the proportions of their models; widths and depths are cut so that all three run within a second on a slow phone.
 */
import { OnnxModel } from './onnx-model.ts';
import type { ScoreShape } from '../../protocol/measured.ts';
import type { Graph } from './stage-graph.ts';

/** A graph that takes one input and gives one output. */
export interface ScoreGraph extends Graph {
  readonly inputDims: readonly number[];
  /** Floating-point operations of one run: two a multiply-add of its products and convolutions; norms and activations are left out. */
  readonly flops: number;
  /** What is run, in words. */
  readonly says: string;
}

const TOKENS = 32;
const WIDTH = 256;
const HEADS = 4;
const FEED_FORWARD = 1_024;
const BERT_LAYERS = 2;
const IMAGE = 64;
const RESNET_CHANNELS = [32, 64, 128, 256];
const CLASSES = 100;
const MELS = 80;
const AUDIO_FRAMES = 128;
const WHISPER_LAYERS = 1;
const NORM_EPSILON = 1e-5;

/** The graph of a shape; the same bytes every time. */
export function buildScoreGraph(shape: ScoreShape): ScoreGraph {
  switch (shape) {
    case 'bert':
      return bert();
    case 'resnet':
      return resnet();
    case 'whisper':
      return whisper();
  }
}

/** GFLOP/s of a run that took so many milliseconds. */
export const gigaflops = (shape: ScoreShape, ms: number): number => FLOPS[shape] / ms / 1e6;

/** Adds operators and counts what they cost. */
class Counted {
  readonly model: OnnxModel;
  flops = 0;
  #names = 0;

  constructor(name: string) {
    this.model = new OnnxModel(name);
  }

  node(operator: string, inputs: readonly string[], attributes: Parameters<OnnxModel['node']>[3] = {}, output = `v${this.#names++}`): string {
    return this.model.node(operator, inputs, output, attributes);
  }

  /** x [rows, width] times a matrix [out, width], with a bias. */
  product(x: string, rows: number, width: number, out: number, output?: string): string {
    const name = `w${this.#names++}`;
    this.flops += 2 * rows * width * out;
    return this.node('Gemm', [x, this.model.weight(name, [out, width]), this.model.weight(`${name}.bias`, [out])], { transB: 1 }, output);
  }

  /** Convolution with a bias, as one with its batch norm folded in is. `kernel`: one number a spatial axis; `positions`: of the output. */
  convolution(x: string, input: number, out: number, kernel: readonly number[], stride: number, positions: number): string {
    const name = `w${this.#names++}`;
    const taps = kernel.reduce((product, each) => product * each, 1);
    this.flops += 2 * positions * input * out * taps;
    const pad = kernel.map((each) => (each - 1) / 2);
    const weights = [this.model.weight(name, [out, input, ...kernel]), this.model.weight(`${name}.bias`, [out])];
    return this.node('Conv', [x, ...weights], { kernel_shape: kernel, strides: kernel.map(() => stride), pads: [...pad, ...pad] });
  }

  norm(x: string, width: number, output?: string): string {
    const name = `n${this.#names++}`;
    const weights = [this.model.weight(`${name}.gain`, [width]), this.model.weight(`${name}.bias`, [width])];
    return this.node('LayerNormalization', [x, ...weights], { axis: -1, epsilon: { float: NORM_EPSILON } }, output);
  }

  /** Self-attention of all tokens on all tokens: x [tokens, WIDTH] → the same. */
  attention(x: string, tokens: number): string {
    const head = WIDTH / HEADS;
    const heads = (perm: readonly number[]): string => this.node('Transpose', [this.node('Reshape', [this.product(x, tokens, WIDTH, WIDTH), this.model.integers([tokens, HEADS, head])])], { perm });
    const [queries, keys, values] = [heads([1, 0, 2]), heads([1, 2, 0]), heads([1, 0, 2])];
    const scores = this.node('Mul', [this.node('MatMul', [queries, keys]), this.model.float(1 / Math.sqrt(head))]);
    const mixed = this.node('MatMul', [this.node('Softmax', [scores], { axis: -1 }), values]);
    this.flops += 2 * 2 * tokens * tokens * WIDTH;
    const joined = this.node('Reshape', [this.node('Transpose', [mixed], { perm: [1, 0, 2] }), this.model.integers([tokens, WIDTH])]);
    return this.product(joined, tokens, WIDTH, WIDTH);
  }

  feedForward(x: string, tokens: number): string {
    return this.product(this.node('Gelu', [this.product(x, tokens, WIDTH, FEED_FORWARD)]), tokens, FEED_FORWARD, WIDTH);
  }

  graph(inputDims: readonly number[], says: string): ScoreGraph {
    const { model, flops } = this;
    return { bytes: model.bytes(), inputs: model.inputs, outputs: model.outputs, weights: model.weights, inputDims, flops, says };
  }
}

/** Post-norm encoder. */
function bert(): ScoreGraph {
  const to = new Counted('bert');
  let x = to.model.input('input', [TOKENS, WIDTH]);
  const output = to.model.output('output', [TOKENS, WIDTH]);
  for (let layer = 1; layer <= BERT_LAYERS; layer++) {
    x = to.norm(to.node('Add', [x, to.attention(x, TOKENS)]), WIDTH);
    x = to.norm(to.node('Add', [x, to.feedForward(x, TOKENS)]), WIDTH, layer === BERT_LAYERS ? output : undefined);
  }
  return to.graph([TOKENS, WIDTH], `${BERT_LAYERS} BERT-shaped layers of width ${WIDTH}, ${TOKENS} tokens`);
}

/** Stem, four residual blocks of two convolutions, classifier. */
function resnet(): ScoreGraph {
  const to = new Counted('resnet');
  let x = to.model.input('input', [1, 3, IMAGE, IMAGE]);
  const output = to.model.output('output', [1, CLASSES]);
  let [width, side] = [RESNET_CHANNELS[0] as number, IMAGE / 2];
  x = to.node('Relu', [to.convolution(x, 3, width, [7, 7], 2, side * side)]);
  side /= 2;
  x = to.node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const [block, channels] of RESNET_CHANNELS.entries()) {
    const stride = block === 0 ? 1 : 2;
    side /= stride;
    const first = to.node('Relu', [to.convolution(x, width, channels, [3, 3], stride, side * side)]);
    const second = to.convolution(first, channels, channels, [3, 3], 1, side * side);
    const around = block === 0 ? x : to.convolution(x, width, channels, [1, 1], stride, side * side);
    x = to.node('Relu', [to.node('Add', [second, around])]);
    width = channels;
  }
  const pooled = to.node('Reshape', [to.node('GlobalAveragePool', [x]), to.model.integers([1, width])]);
  to.product(pooled, 1, width, CLASSES, output);
  return to.graph([1, 3, IMAGE, IMAGE], `${RESNET_CHANNELS.length} ResNet-shaped blocks of ${RESNET_CHANNELS.join(', ')} channels, ${IMAGE} × ${IMAGE} pixels`);
}

/** Two convolutions over a spectrogram, then a pre-norm encoder. */
function whisper(): ScoreGraph {
  const to = new Counted('whisper');
  const tokens = AUDIO_FRAMES / 2;
  const spectrogram = to.model.input('input', [1, MELS, AUDIO_FRAMES]);
  const output = to.model.output('output', [tokens, WIDTH]);
  const heard = to.node('Gelu', [to.convolution(spectrogram, MELS, WIDTH, [3], 1, AUDIO_FRAMES)]);
  const halved = to.node('Gelu', [to.convolution(heard, WIDTH, WIDTH, [3], 2, tokens)]);
  let x = to.node('Reshape', [to.node('Transpose', [halved], { perm: [0, 2, 1] }), to.model.integers([tokens, WIDTH])]);
  for (let layer = 0; layer < WHISPER_LAYERS; layer++) {
    x = to.node('Add', [x, to.attention(to.norm(x, WIDTH), tokens)]);
    x = to.node('Add', [x, to.feedForward(to.norm(x, WIDTH), tokens)]);
  }
  to.norm(x, WIDTH, output);
  return to.graph([1, MELS, AUDIO_FRAMES], `the convolutions and ${WHISPER_LAYERS} encoder layer of a Whisper shape of width ${WIDTH}, ${AUDIO_FRAMES} frames`);
}

const FLOPS: Readonly<Record<ScoreShape, number>> = { bert: bert().flops, resnet: resnet().flops, whisper: whisper().flops };
