/// <reference lib="dom" />

/** What the page is to send. */
export interface StripeTask {
  readonly ice: { readonly urls: string; readonly username?: string | undefined; readonly credential?: string | undefined };
  /** Peer connections that a frame's slices are dealt to in turn. */
  readonly associations: number;
  readonly frameBytes: number;
  readonly sliceBytes: number;
  readonly frames: number;
  readonly everyMs: number;
  readonly prompts: number;
  readonly restMs: number;
}

/**
 * Runs in a page, so it uses nothing from around it: connects two ends over TURN, sends frames from one to the other, and gives for each prompt
 * the milliseconds from the sending of each frame to its last slice.
 */
export async function sendFrames(task: StripeTask): Promise<number[][]> {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const config: RTCConfiguration = { iceServers: [{ urls: task.ice.urls, username: task.ice.username ?? '', credential: task.ice.credential ?? '' }], iceTransportPolicy: 'relay' };
  const connect = async (): Promise<readonly [RTCDataChannel, RTCDataChannel]> => {
    const [near, far] = [new RTCPeerConnection(config), new RTCPeerConnection(config)];
    for (const [from, to] of [[near, far], [far, near]] as const) from.onicecandidate = ({ candidate }) => void (candidate === null ? undefined : to.addIceCandidate(candidate));
    const sender = near.createDataChannel('frames');
    const receiver = new Promise<RTCDataChannel>((resolve) => (far.ondatachannel = ({ channel }) => resolve(channel)));
    const opened = new Promise<void>((resolve) => (sender.onopen = () => resolve()));
    await near.setLocalDescription(await near.createOffer());
    await far.setRemoteDescription(near.localDescription ?? { type: 'offer' });
    await far.setLocalDescription(await far.createAnswer());
    await near.setRemoteDescription(far.localDescription ?? { type: 'answer' });
    await opened;
    const arrived = await receiver;
    arrived.binaryType = 'arraybuffer';
    return [sender, arrived];
  };
  const links: (readonly [RTCDataChannel, RTCDataChannel])[] = [];
  for (let count = 0; count < task.associations; count++) links.push(await connect());

  const slices = Math.ceil(task.frameBytes / task.sliceBytes);
  const waiting = new Map<number, { left: number; readonly done: () => void }>();
  for (const [, receiver] of links) {
    receiver.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const frame = waiting.get(new DataView(data).getUint32(0));
      if (frame !== undefined && --frame.left === 0) frame.done();
    };
  }
  let count = 0;
  const send = async (): Promise<number> => {
    const id = ++count;
    const begun = performance.now();
    const done = new Promise<void>((resolve) => waiting.set(id, { left: slices, done: resolve }));
    for (let slice = 0; slice < slices; slice++) {
      const bytes = new ArrayBuffer(Math.max(4, Math.min(task.sliceBytes, task.frameBytes - slice * task.sliceBytes)));
      new DataView(bytes).setUint32(0, id);
      links[slice % links.length]?.[0].send(bytes);
    }
    await done;
    return performance.now() - begun;
  };
  await send();
  await (globalThis as unknown as { lineIsOpen(): Promise<void> }).lineIsOpen();
  const delays: number[][] = [];
  for (let prompt = 0; prompt < task.prompts; prompt++) {
    await sleep(task.restMs);
    const sent: Promise<number>[] = [];
    for (let frame = 0; frame < task.frames; frame++) {
      sent.push(send());
      await sleep(task.everyMs);
    }
    delays.push(await Promise.all(sent));
  }
  return delays;
}
