//! A JobManager with two tokens, a model and a client with money, as the tests of escrow begin with.

use starknet::ContractAddress;
use crate::access::{IAccessDispatcher, IAccessDispatcherTrait};
use crate::job_manager::JobManager;
use crate::job_manager_interface::{
    IJobManagerDispatcher, IJobManagerDispatcherTrait, IJobManagerSafeDispatcher, MODEL_ADMIN
};
use crate::jobs_support_fixture::{START, at, caller, clock, deploy, deploy_token, forget_events};
use crate::jobs_token_fixture::{IJobsTokenDispatcher, IJobsTokenDispatcherTrait};

pub const GRACE: u64 = 600;
pub const WINDOW: u64 = 300;
pub const DEADLINE: u64 = 1_003_600;
pub const PURSE: u128 = 1_000_000;

#[derive(Copy, Drop)]
pub struct Escrow {
    pub jobs: IJobManagerDispatcher,
    pub safe: IJobManagerSafeDispatcher,
    pub access: IAccessDispatcher,
    pub address: ContractAddress,
    pub token: IJobsTokenDispatcher,
    pub other: IJobsTokenDispatcher,
}

pub fn calldata(
    owner: felt252,
    coordinator: felt252,
    grace: u64,
    window: u64,
    tokens: Span<(ContractAddress, ContractAddress)>
) -> Array<felt252> {
    let mut data = array![owner, coordinator, 'court', grace.into(), window.into()];
    tokens.serialize(ref data);
    data
}

pub fn deploy_jobs(data: Array<felt252>) -> ContractAddress {
    deploy(JobManager::TEST_CLASS_HASH, 0, data)
}

pub fn escrow() -> Escrow {
    clock(START);
    let token = deploy_token(1);
    let other = deploy_token(2);
    let address = deploy_jobs(
        calldata(
            'owner',
            'coordinator',
            GRACE,
            WINDOW,
            array![
                (token.contract_address, at('sink')), (other.contract_address, at('other sink'))
            ]
                .span()
        )
    );
    token.mint(at('client'), PURSE.into());
    other.mint(at('client'), PURSE.into());
    let jobs = IJobManagerDispatcher { contract_address: address };
    let access = IAccessDispatcher { contract_address: address };
    caller('owner');
    access.grant_role(MODEL_ADMIN, at('model admin'));
    caller('model admin');
    jobs.register_model('model', 1, 2, 'meta');
    caller('client');
    forget_events(address);
    let safe = IJobManagerSafeDispatcher { contract_address: address };
    Escrow { jobs, safe, access, address, token, other }
}

#[generate_trait]
pub impl EscrowImpl of EscrowTrait {
    fn open(self: @Escrow, nonce: felt252, budget: u128) -> felt252 {
        caller('client');
        (*self.jobs)
            .create_job(
                nonce, (*self.token).contract_address, 'model', 'spec', budget, DEADLINE
            )
    }

    fn running(self: @Escrow, nonce: felt252, budget: u128) -> felt252 {
        let id = self.open(nonce, budget);
        caller('coordinator');
        (*self.jobs).start_job(id);
        id
    }

    fn submitted(self: @Escrow, nonce: felt252, budget: u128, used: u128) -> felt252 {
        let id = self.running(nonce, budget);
        (*self.jobs).submit_result(id, 'result', used);
        id
    }

    fn disputed(self: @Escrow, nonce: felt252, budget: u128, used: u128) -> felt252 {
        let id = self.submitted(nonce, budget, used);
        caller('court');
        (*self.jobs).dispute_job(id, 7);
        id
    }
}
