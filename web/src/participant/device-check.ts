import type { UnsupportedReason } from './contribution-state.ts';

/** The capabilities that contributing stands on; the window has them as globals. */
export interface DeviceCapabilities {
  readonly isSecureContext: boolean;
  readonly crypto?: { readonly subtle?: unknown };
  readonly RTCPeerConnection?: unknown;
  readonly WebAssembly?: unknown;
  readonly Worker?: unknown;
}

/** What is missing on this device, checked before anything is downloaded; undefined when it can contribute. */
export function missingCapability(device: DeviceCapabilities): UnsupportedReason | undefined {
  if (!device.isSecureContext) return 'insecure-context';
  if (device.crypto?.subtle === undefined) return 'no-web-crypto';
  if (device.WebAssembly === undefined) return 'no-wasm';
  if (device.Worker === undefined) return 'no-workers';
  return device.RTCPeerConnection === undefined ? 'no-webrtc' : undefined;
}

/** What browsers tell of the kind of device they run on. */
export interface DeviceKind {
  readonly userAgent: string;
  /** Chromium only. */
  readonly userAgentData?: { readonly mobile: boolean };
  readonly maxTouchPoints: number;
}

/** A phone or tablet, whose browser may stop a hidden page at any time. An iPad says that it is a Mac; no Mac has a touch screen. */
export const isMobile = ({ userAgent, userAgentData, maxTouchPoints }: DeviceKind): boolean =>
  userAgentData?.mobile === true || /Android|iPhone|iPad|Mobile/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);

/** A line that is paid by the byte, as far as the browser tells: the person asked it to save data, or it is a phone network. */
export function isMetered(navigator: { readonly connection?: { readonly saveData?: boolean; readonly type?: string } } | Navigator): boolean {
  const connection = 'connection' in navigator ? (navigator.connection as { readonly saveData?: boolean; readonly type?: string } | undefined) : undefined;
  return connection?.saveData === true || connection?.type === 'cellular';
}
