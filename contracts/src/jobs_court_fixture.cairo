//! A DisputeCourt over a real pool, a real JobManager and a store that only remembers; five arbiters, a quorum of
//! three. Bonds are in another token than stakes.

use starknet::ContractAddress;
use crate::access::{IAccessDispatcher, IAccessDispatcherTrait};
use crate::court::DisputeCourt;
use crate::court_interface::{
    CaseKind, IDisputeCourtDispatcher, IDisputeCourtDispatcherTrait, IDisputeCourtSafeDispatcher
};
use crate::job_manager_interface::COURT;
use crate::jobs_escrow_fixture::{Escrow, EscrowTrait, escrow};
use crate::jobs_pool_fixture::{Pool, PoolTrait, pool};
use crate::jobs_store_fixture::{IJobsStoreDispatcher, JobsStore};
use crate::jobs_support_fixture::{at, caller, deploy, deploy_token, forget_events};
use crate::jobs_token_fixture::{IJobsTokenDispatcher, IJobsTokenDispatcherTrait};

pub const BOND: u128 = 500;
pub const RESPONSE: u64 = 3_600;
pub const VOTE: u64 = 7_200;
/// Base units a day.
pub const CAP_DAY: u128 = 10_000;
/// Half of what is at stake.
pub const CAP_CASE_BPS: u16 = 5_000;
pub const PURSE: u128 = 1_000_000;

#[derive(Copy, Drop)]
pub struct Court {
    pub court: IDisputeCourtDispatcher,
    pub safe: IDisputeCourtSafeDispatcher,
    pub access: IAccessDispatcher,
    pub address: ContractAddress,
    pub bonds: IJobsTokenDispatcher,
    pub store: IJobsStoreDispatcher,
    pub pool: Pool,
    pub escrow: Escrow,
}

/// Every argument of the constructor, to be changed one at a time.
#[derive(Copy, Drop)]
pub struct Plan {
    pub pool: ContractAddress,
    pub store: felt252,
    pub jobs: felt252,
    pub token: felt252,
    pub treasury: felt252,
    pub bond: u128,
    pub response: u64,
    pub vote: u64,
    pub quorum: u32,
    pub arbiters: Span<ContractAddress>,
    pub cap_case_bps: u16,
    pub cap_day: u128,
    pub challenger_bps: u16,
    pub burn_bps: u16,
}

pub fn five() -> Span<ContractAddress> {
    array![at('a1'), at('a2'), at('a3'), at('a4'), at('a5')].span()
}

pub fn plan(pool: ContractAddress) -> Plan {
    Plan {
        pool,
        store: 'store',
        jobs: 'jobs',
        token: 'token',
        treasury: 'treasury',
        bond: BOND,
        response: RESPONSE,
        vote: VOTE,
        quorum: 3,
        arbiters: five(),
        cap_case_bps: CAP_CASE_BPS,
        cap_day: CAP_DAY,
        challenger_bps: 3_000,
        burn_bps: 2_000
    }
}

pub fn deploy_court(p: Plan) -> ContractAddress {
    let mut data = array![
        'owner',
        p.pool.into(),
        p.store,
        p.jobs,
        p.token,
        p.treasury,
        p.bond.into(),
        p.response.into(),
        p.vote.into(),
        p.quorum.into()
    ];
    p.arbiters.serialize(ref data);
    data.append(p.cap_case_bps.into());
    data.append(p.cap_day.into());
    data.append(p.challenger_bps.into());
    data.append(p.burn_bps.into());
    deploy(DisputeCourt::TEST_CLASS_HASH, 0, data)
}

pub fn court() -> Court {
    let escrow = escrow();
    let pool = pool();
    let bonds = deploy_token(7);
    let store = deploy(JobsStore::TEST_CLASS_HASH, 0, array![]);
    let address = deploy_court(
        Plan {
            store: store.into(),
            jobs: escrow.address.into(),
            token: bonds.contract_address.into(),
            ..plan(pool.address)
        }
    );
    caller('owner');
    pool.access.grant_role(COURT, address);
    escrow.access.grant_role(COURT, address);
    bonds.mint(at('accuser'), PURSE.into());
    bonds.mint(at('client'), PURSE.into());
    bonds.mint(at('a1'), PURSE.into());
    forget_events(address);
    Court {
        court: IDisputeCourtDispatcher { contract_address: address },
        safe: IDisputeCourtSafeDispatcher { contract_address: address },
        access: IAccessDispatcher { contract_address: address },
        address,
        bonds,
        store: IJobsStoreDispatcher { contract_address: store },
        pool,
        escrow
    }
}

#[generate_trait]
pub impl CourtImpl of CourtTrait {
    /// 'accuser' opens a case against 'worker' about `job`.
    fn accused(self: @Court, job: felt252) -> u64 {
        caller('accuser');
        (*self.court).open(CaseKind::Worker, at('worker'), job, 'evidence')
    }

    /// The same, when 'worker' has staked `amount` first.
    fn accused_with(self: @Court, amount: u128) -> u64 {
        (*self.pool).staked(amount);
        self.accused('job')
    }

    fn root_case(self: @Court, epoch: felt252) -> u64 {
        caller('accuser');
        (*self.court).open(CaseKind::Root, at(0), epoch, 'evidence')
    }

    /// The client's case about a job of budget 100 that used 60; answers the case and the job.
    fn job_case(self: @Court) -> (u64, felt252) {
        let job = (*self.escrow).submitted('n', 100, 60);
        caller('client');
        ((*self.court).open(CaseKind::Job, at(0), job, 'evidence'), job)
    }

    fn answered(self: @Court, id: u64, by: felt252) {
        caller(by);
        (*self.court).respond(id, 'answer');
    }

    fn votes(self: @Court, id: u64, arbiter: felt252, guilty: bool, amount: u128) {
        caller(arbiter);
        (*self.court).vote(id, guilty, amount);
    }

    /// Three arbiters find guilty, each for `amount`.
    fn convicted(self: @Court, id: u64, amount: u128) {
        self.votes(id, 'a1', true, amount);
        self.votes(id, 'a2', true, amount);
        self.votes(id, 'a3', true, amount);
    }

    fn acquitted(self: @Court, id: u64) {
        self.votes(id, 'a1', false, 0);
        self.votes(id, 'a2', false, 0);
        self.votes(id, 'a3', false, 0);
    }

    fn ended(self: @Court, id: u64) {
        caller('anybody');
        (*self.court).finalise(id);
    }
}
