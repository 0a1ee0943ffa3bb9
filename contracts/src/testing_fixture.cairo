//! What every test here needs: addresses, deployment, a clock, the log, and numbers from a seed.

use core::poseidon::poseidon_hash_span;
use starknet::ContractAddress;
use starknet::syscalls::deploy_syscall;
use starknet::testing::{pop_log_raw, set_block_timestamp, set_contract_address};

pub fn address(value: felt252) -> ContractAddress {
    value.try_into().unwrap()
}

/// Deploys, or panics with what the constructor panicked with.
pub fn deploy(class_hash: felt252, calldata: Array<felt252>) -> ContractAddress {
    match deploy_syscall(class_hash.try_into().unwrap(), 0, calldata.span(), false) {
        Result::Ok((contract_address, _)) => contract_address,
        Result::Err(reason) => panic(reason),
    }
}

/// The calls that follow come from `caller`.
pub fn act_as(caller: felt252) {
    set_contract_address(address(caller));
}

/// The calls that follow happen at `seconds`.
pub fn at(seconds: u64) {
    set_block_timestamp(seconds);
}

/// Forgets the events of `contract` so far, so that the next one is that of the call under test.
pub fn drain(contract: ContractAddress) {
    while pop_log_raw(contract).is_some() {};
}

/// Numbers that look random and are the same on every run.
#[derive(Copy, Drop)]
pub struct Random {
    pub state: felt252,
}

#[generate_trait]
pub impl RandomImpl of RandomTrait {
    /// 0 ..= bound - 1
    fn below(ref self: Random, bound: u128) -> u128 {
        self.state = poseidon_hash_span(array![self.state, 'next'].span());
        let wide: u256 = self.state.into();
        wide.low % bound
    }
}
