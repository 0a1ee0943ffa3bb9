import type { Page } from 'playwright-core';

/** When a tab was first asked to open a link, and when it last said that one is open; times of `performance.now()`. */
export interface LinkTimes {
  askedAt: number | undefined;
  openAt: number | undefined;
}

/** Names of fields that stand in these messages only, as MessagePack writes them. */
const CONNECT = 'iceServers';
const LINK = ['rttMs', 'open'] as const;

/** Listens to what a tab and the coordinator say of links, from outside. Must be called before the page is opened. */
export function watchLinks(page: Page): LinkTimes {
  const times: LinkTimes = { askedAt: undefined, openAt: undefined };
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (payload.includes(CONNECT)) times.askedAt ??= performance.now();
    });
    socket.on('framesent', ({ payload }) => {
      if (LINK.every((word) => payload.includes(word))) times.openAt = performance.now();
    });
  });
  return times;
}
