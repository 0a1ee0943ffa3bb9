// Asks the STUN servers in its arguments (address:port) from one socket, and prints the port that each saw: equal ones mean a mapping that
// does not depend on the destination.
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';

const COOKIE = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;

/** The port in a STUN answer (RFC 8489 14.2), or undefined. */
function mappedPort(message) {
  for (let at = 20; at + 4 <= message.length; at += 4 + ((message.readUInt16BE(at + 2) + 3) & ~3)) {
    if (message.readUInt16BE(at) === XOR_MAPPED_ADDRESS) return message.readUInt16BE(at + 6) ^ (COOKIE >>> 16);
  }
  return undefined;
}

const socket = createSocket('udp4');
const ports = [];
for (const server of process.argv.slice(2)) {
  const [address, port] = server.split(':');
  const transaction = randomBytes(12);
  const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), transaction]);
  const answer = new Promise((resolve) => {
    const hear = (message) => {
      if (!message.subarray(8, 20).equals(transaction)) return;
      socket.off('message', hear);
      resolve(message);
    };
    socket.on('message', hear);
  });
  const again = setInterval(() => socket.send(request, Number(port), address), 200);
  socket.send(request, Number(port), address);
  ports.push(mappedPort(await answer));
  clearInterval(again);
}
socket.close();
console.log(ports.join(' '));
