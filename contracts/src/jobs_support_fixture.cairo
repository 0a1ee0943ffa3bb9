//! What the tests of escrow, pool and court share: addresses, callers, clocks, refusals, a seeded generator.

use starknet::{ContractAddress, ClassHash};
use starknet::syscalls::deploy_syscall;
use starknet::testing::{pop_log_raw, set_block_timestamp, set_contract_address};
use crate::jobs_token_fixture::{IJobsTokenDispatcher, IJobsTokenDispatcherTrait, JobsToken};

/// Seconds; when the tests begin.
pub const START: u64 = 1_000_000;
pub const DAY: u64 = 86_400;

pub fn at(x: felt252) -> ContractAddress {
    x.try_into().unwrap()
}

pub fn caller(x: felt252) {
    set_contract_address(at(x));
}

pub fn clock(seconds: u64) {
    set_block_timestamp(seconds);
}

/// Deploys, or panics with the constructor's own reason.
pub fn deploy(class_hash: felt252, salt: felt252, calldata: Array<felt252>) -> ContractAddress {
    let class_hash: ClassHash = class_hash.try_into().unwrap();
    match deploy_syscall(class_hash, salt, calldata.span(), false) {
        Result::Ok((address, _)) => address,
        Result::Err(reason) => panic(reason),
    }
}

pub fn deploy_token(salt: felt252) -> IJobsTokenDispatcher {
    IJobsTokenDispatcher {
        contract_address: deploy(JobsToken::TEST_CLASS_HASH, salt, array![])
    }
}

pub fn balance(token: IJobsTokenDispatcher, account: ContractAddress) -> u128 {
    token.balance_of(account).try_into().unwrap()
}

/// Expects a call through a safe dispatcher to be refused for `reason`.
pub fn refused<T, +Drop<T>>(answer: Result<T, Array<felt252>>, reason: felt252) {
    match answer {
        Result::Ok(_) => panic(array!['not refused', reason]),
        Result::Err(data) => assert(*data[0] == reason, *data[0]),
    }
}

/// Expects a call through a safe dispatcher to pass.
pub fn passed<T, +Drop<T>>(answer: Result<T, Array<felt252>>) -> T {
    match answer {
        Result::Ok(value) => value,
        Result::Err(data) => panic(data),
    }
}

pub fn forget_events(contract: ContractAddress) {
    while let Option::Some(_) = pop_log_raw(contract) {};
}

/// Keys and data of the oldest event of `contract` that no one has taken yet.
pub fn next_event(contract: ContractAddress) -> (Span<felt252>, Span<felt252>) {
    pop_log_raw(contract).expect('no event')
}

/// Expects the next event of `contract` to be this one.
pub fn expect_event(contract: ContractAddress, keys: Span<felt252>, data: Span<felt252>) {
    let (event_keys, event_data) = next_event(contract);
    assert(event_keys == keys, 'event keys');
    assert(event_data == data, 'event data');
}

/// A linear congruential generator modulo 2^64 (Knuth's MMIX numbers); the high bits are drawn.
#[derive(Copy, Drop)]
pub struct Generator {
    pub state: u64,
}

#[generate_trait]
pub impl GeneratorImpl of GeneratorTrait {
    fn seeded(seed: u64) -> Generator {
        Generator { state: seed }
    }

    /// A number below `bound`.
    fn below(ref self: Generator, bound: u64) -> u64 {
        let wide: u128 = self.state.into() * 6364136223846793005 + 1442695040888963407;
        self.state = (wide % 0x10000000000000000).try_into().unwrap();
        (self.state / 0x100000000) % bound
    }
}
