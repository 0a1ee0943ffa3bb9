//! The leaves of an epoch's performance, bound to chain, pool, epoch and worker.

use core::poseidon::poseidon_hash_span;
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
