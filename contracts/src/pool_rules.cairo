//! The bounds of the CdcPool and the reasons it gives.

pub mod limits {
    /// Seconds; must outlast a case of the court, or a cheat walks away during it. The court checks that at its start.
    pub const MIN_COOL_DOWN: u64 = 120;
    pub const MAX_COOL_DOWN: u64 = 7_257_600;
    /// Seconds; a thief of a key must not turn a payout away before its owner sees it.
    pub const MIN_PAYOUT_DELAY: u64 = 60;
    pub const MAX_PAYOUT_DELAY: u64 = 2_592_000;
    /// Seconds without a sign of life.
    pub const MIN_INACTIVE_AFTER: u64 = 3_600;
    pub const MAX_INACTIVE_AFTER: u64 = 604_800;
    /// Seconds after a worker was seen last, and its bond grew last, when the bond leaves by anybody's call.
    pub const BOND_HOLD: u64 = 2_592_000;
    /// Levels of a performance tree: 2^32 workers.
    pub const MAX_DEPTH: u32 = 32;
    /// Workers touched by one call; keeps it within a transaction's events.
    pub const MAX_TOUCHED: u32 = 512;
}

pub mod errors {
    pub const ZERO_ADDRESS: felt252 = 'CIRO-CP: zero address';
    pub const ZERO_AMOUNT: felt252 = 'CIRO-CP: zero amount';
    pub const BAD_COOL_DOWN: felt252 = 'CIRO-CP: bad cool down';
    pub const BAD_DELAY: felt252 = 'CIRO-CP: bad payout delay';
    pub const BAD_INACTIVE: felt252 = 'CIRO-CP: bad inactive time';
    pub const ZERO_CAPABILITY: felt252 = 'CIRO-CP: zero capability';
    pub const KNOWN_WORKER: felt252 = 'CIRO-CP: known worker';
    pub const UNKNOWN_WORKER: felt252 = 'CIRO-CP: unknown worker';
    pub const STILL_HELD: felt252 = 'CIRO-CP: still holds money';
    pub const OVER_STAKE: felt252 = 'CIRO-CP: over stake';
    pub const OVER_BOND: felt252 = 'CIRO-CP: over bond';
    pub const NOTHING_COOLING: felt252 = 'CIRO-CP: nothing cooling';
    pub const NOT_READY: felt252 = 'CIRO-CP: not ready';
    pub const NO_BOND: felt252 = 'CIRO-CP: no bond';
    pub const BOND_HELD: felt252 = 'CIRO-CP: bond held';
    pub const BAD_EPOCH: felt252 = 'CIRO-CP: bad epoch';
    pub const EPOCH_EXISTS: felt252 = 'CIRO-CP: epoch exists';
    pub const UNKNOWN_EPOCH: felt252 = 'CIRO-CP: unknown epoch';
    pub const BAD_PROOF: felt252 = 'CIRO-CP: bad proof';
    pub const SEEN_LATER: felt252 = 'CIRO-CP: seen in the future';
    pub const TOO_MANY: felt252 = 'CIRO-CP: too many workers';
}
