//! The tree of an epoch's performance: leaves bound to chain, pool, epoch and worker; nodes by index bit.

use core::poseidon::{hades_permutation, poseidon_hash_span};
use starknet::{ContractAddress, get_contract_address, get_tx_info};
use crate::pool_interface::Performance;

pub fn leaf(epoch: u64, worker: ContractAddress, perf: Performance) -> felt252 {
    let chain_id = get_tx_info().unbox().chain_id;
    let this: felt252 = get_contract_address().into();
    poseidon_hash_span(
        array![
            'CIRO.perf.v1',
            chain_id,
            this,
            epoch.into(),
            worker.into(),
            perf.jobs.into(),
            perf.audits_passed.into(),
            perf.audits_failed.into(),
            perf.last_seen.into()
        ]
            .span()
    )
}

/// The root that `leaf` at `index` has with these siblings, from the leaf's own upwards; nothing when the index has
/// more bits than there are siblings.
pub fn fold(leaf: felt252, index: u64, proof: Span<felt252>) -> Option<felt252> {
    let mut node = leaf;
    let mut rest = index;
    for sibling in proof {
        let (half, bit) = DivRem::div_rem(rest, 2_u64.try_into().unwrap());
        let (hash, _, _) = if bit == 0 {
            hades_permutation(node, *sibling, 2)
        } else {
            hades_permutation(*sibling, node, 2)
        };
        node = hash;
        rest = half;
    };
    if rest == 0 {
        Option::Some(node)
    } else {
        Option::None
    }
}
