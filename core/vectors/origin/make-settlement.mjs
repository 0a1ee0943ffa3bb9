// Golden values of settlement trees and payout addresses, made with starknet.js alone: nothing of core is imported.
// The tree is built the plain way, over every leaf of padding. Run:  node make-settlement.mjs ../settlement.json
import { readFileSync, writeFileSync } from 'node:fs'
import { ec, hash, shortString } from 'starknet'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.resolve('starknet')), 'utf8'))
const ACCOUNT_CLASS = '0x05b4b537eaa2399e3aa99c4e2e0208ebd6c71bc1467938cd52c798c601e43564'
const TAG = shortString.encodeShortString('CIRO.leaf.v2')
const felt = (value) => `0x${BigInt(value).toString(16)}`
const pair = (left, right) => felt(hash.computePoseidonHash(left, right))

function treeCase(network, store, payees) {
  const chainId = shortString.encodeShortString(network)
  const depth = Math.ceil(Math.log2(payees.length))
  const leaves = payees.map(({ account, cumulative }) => felt(hash.computePoseidonHashOnElements([TAG, chainId, store, account, cumulative])))
  const levels = [Array.from({ length: 2 ** depth }, (_, index) => leaves[index] ?? '0x0')]
  while (levels.at(-1).length > 1) {
    const below = levels.at(-1)
    levels.push(Array.from({ length: below.length / 2 }, (_, index) => pair(below[2 * index], below[2 * index + 1])))
  }
  const proofs = leaves.map((_, index) => levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1]))
  return { chain_id: chainId, store, payees, depth, leaves, root: levels.at(-1)[0], proofs }
}

const payees = (count) => Array.from({ length: count }, (_, index) => ({ account: felt(BigInt(index + 1) * 2n ** 200n + 7n), cumulative: String(BigInt(index + 1) ** 11n * 10n ** 15n + 1n) }))
const STORE = '0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7'
const keys = ['0x1', '0x139fe4d6f02e666e86a6f58e65060f115cd3c185bd9e98bd829636931458f79', '0x3c1e9550e66958296d11b60f8e8e7a7ad990d07fa65d5f7652c4a6c87d4e3cc']
const addresses = keys.map((key) => {
  const publicKey = ec.starkCurve.getStarkKey(key)
  return { public_key: publicKey, address: felt(hash.calculateContractAddressFromHash(publicKey, ACCOUNT_CLASS, [publicKey], 0)) }
})
const largest = [{ account: felt(2n ** 251n - 257n), cumulative: String(2n ** 128n - 1n) }]
const cases = [treeCase('SN_SEPOLIA', STORE, payees(1)), treeCase('SN_SEPOLIA', STORE, payees(5)), treeCase('SN_MAIN', '0x1', payees(8)), treeCase('SN_MAIN', STORE, largest)]
writeFileSync(process.argv[2], `${JSON.stringify({ origin: `make-settlement.mjs with starknet.js ${version}: leaves by computePoseidonHashOnElements, nodes by computePoseidonHash, addresses by calculateContractAddressFromHash`, cases, addresses }, undefined, 1)}\n`)
