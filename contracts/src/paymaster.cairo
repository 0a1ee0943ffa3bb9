//! The sponsor's leg: a relayer pays for what a worker's own account does, and this contract says on chain which calls
//! it may pay for and how many. It holds no funds and can't act for anybody: the account checks its owner's signature.

use starknet::{ClassHash, ContractAddress};
use starknet::account::Call;

/// Pays for transactions and sends them here.
pub const RELAYER: felt252 = selector!("RELAYER");
/// Changes the list of calls and the quotas, as the owner may.
pub const POLICY: felt252 = selector!("POLICY");

/// What an account's owner signed (SNIP-9). The bounds are seconds, both exclusive.
#[derive(Copy, Drop, Serde)]
pub struct OutsideExecution {
    pub caller: ContractAddress,
    pub nonce: felt252,
    pub execute_after: u64,
    pub execute_before: u64,
    pub calls: Span<Call>,
}

/// Limits on what is sponsored.
#[derive(Copy, Drop, Serde, PartialEq)]
pub struct Quota {
    /// Calls in one outside execution.
    pub max_calls: u32,
    /// Outside executions of one account a day.
    pub per_account_day: u32,
    /// Outside executions of all accounts a day.
    pub per_day: u32,
}

#[starknet::interface]
pub trait IPaymaster<TState> {
    fn execute_sponsored(
        ref self: TState,
        account_address: ContractAddress,
        entrypoint: felt252,
        calldata: Array<felt252>,
        sponsor_metadata: Array<felt252>
    ) -> bool;
    fn execute_sponsored_v2(
        ref self: TState,
        account: ContractAddress,
        outside: OutsideExecution,
        signature: Span<felt252>,
        sponsor_ref: felt252
    ) -> bool;
    fn deploy_and_execute_sponsored(
        ref self: TState,
        class_hash: ClassHash,
        salt: felt252,
        constructor_calldata: Span<felt252>,
        outside: OutsideExecution,
        signature: Span<felt252>,
        sponsor_ref: felt252
    ) -> ContractAddress;
    fn set_allowed(ref self: TState, to: ContractAddress, selector: felt252, allowed: bool);
    fn set_quota(ref self: TState, max_calls: u32, per_account_day: u32, per_day: u32);

    fn is_allowed(self: @TState, to: ContractAddress, selector: felt252) -> bool;
    fn quota(self: @TState) -> Quota;
    fn used_today(self: @TState, account: ContractAddress) -> u32;
    fn used_today_all(self: @TState) -> u32;
}

pub mod errors {
    pub const ZERO_ADDRESS: felt252 = 'CIRO-PM: zero address';
    pub const QUOTA_BOUNDS: felt252 = 'CIRO-PM: quota out of bounds';
    pub const BAD_ENTRYPOINT: felt252 = 'CIRO-PM: bad entrypoint';
    pub const BAD_CALLDATA: felt252 = 'CIRO-PM: bad calldata';
    pub const FOREIGN_CALLER: felt252 = 'CIRO-PM: foreign caller';
    pub const NO_CALLS: felt252 = 'CIRO-PM: no calls';
    pub const TOO_MANY_CALLS: felt252 = 'CIRO-PM: too many calls';
    pub const NOT_ALLOWED: felt252 = 'CIRO-PM: call not allowed';
    pub const ACCOUNT_QUOTA: felt252 = 'CIRO-PM: account quota used';
    pub const DAY_QUOTA: felt252 = 'CIRO-PM: day quota used';
}

#[starknet::contract]
pub mod Paymaster {
    use core::traits::DivRem;
    use starknet::{
        ClassHash, ContractAddress, SyscallResultTrait, get_block_timestamp, get_caller_address,
        get_contract_address, syscalls::{call_contract_syscall, deploy_syscall}
    };
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::storage_access::StorePacking;
    use crate::access::{AccessComponent, IAccess};
    use super::{OutsideExecution, POLICY, Quota, RELAYER, errors};

    /// More calls than any action of the page needs.
    pub const MOST_CALLS: u32 = 16;
    /// Seconds.
    const DAY: u64 = 86400;
    const EXECUTE_V1: felt252 = selector!("execute_from_outside");
    const EXECUTE_V2: felt252 = selector!("execute_from_outside_v2");

    const SHIFT_32: u128 = 0x100000000;
    const SHIFT_64: u128 = 0x10000000000000000;
    const SHIFT_96: u128 = 0x1000000000000000000000000;
    const SHIFT_128: felt252 = 0x100000000000000000000000000000000;
    const TWO_POW_32: NonZero<u128> = 0x100000000;

    /// How many outside executions were sponsored on `day` (days since 1970).
    #[derive(Copy, Drop)]
    struct Usage {
        day: u32,
        count: u32,
    }

    /// One cell: the limits beside the count that every sponsored transaction changes.
    #[derive(Copy, Drop)]
    struct Policy {
        quota: Quota,
        all: Usage,
    }

    component!(path: AccessComponent, storage: access, event: AccessEvent);

    #[abi(embed_v0)]
    impl AccessImpl = AccessComponent::AccessImpl<ContractState>;
    impl AccessInternal = AccessComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        access: AccessComponent::Storage,
        Paymaster_policy: Policy,
        Paymaster_used: Map<ContractAddress, Usage>,
        Paymaster_allowed: Map<(ContractAddress, felt252), bool>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        SponsoredTransaction: SponsoredTransaction,
        AllowedChanged: AllowedChanged,
        QuotaChanged: QuotaChanged,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct SponsoredTransaction {
        #[key]
        pub account: ContractAddress,
        pub sponsor_metadata: Span<felt252>,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct AllowedChanged {
        #[key]
        pub to: ContractAddress,
        #[key]
        pub selector: felt252,
        pub allowed: bool,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct QuotaChanged {
        pub max_calls: u32,
        pub per_account_day: u32,
        pub per_day: u32,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        relayer: ContractAddress,
        max_calls: u32,
        per_account_day: u32,
        per_day: u32
    ) {
        self.access.initializer(owner);
        assert_address(relayer);
        self.access.set_role(RELAYER, relayer);
        self.write_quota(Quota { max_calls, per_account_day, per_day });
    }

    #[abi(embed_v0)]
    impl PaymasterImpl of super::IPaymaster<ContractState> {
        /// The shape that AVNU's relayers send: `calldata` is an outside execution and its signature, serialised.
        fn execute_sponsored(
            ref self: ContractState,
            account_address: ContractAddress,
            entrypoint: felt252,
            calldata: Array<felt252>,
            sponsor_metadata: Array<felt252>
        ) -> bool {
            self.assert_open();
            assert(entrypoint == EXECUTE_V2 || entrypoint == EXECUTE_V1, errors::BAD_ENTRYPOINT);
            let mut rest = calldata.span();
            let outside: OutsideExecution = Serde::deserialize(ref rest)
                .expect(errors::BAD_CALLDATA);
            let signature: Option<Span<felt252>> = Serde::deserialize(ref rest);
            assert(signature.is_some() && rest.is_empty(), errors::BAD_CALLDATA);
            self.admit(account_address, @outside, sponsor_metadata.span());
            call_contract_syscall(account_address, entrypoint, calldata.span()).unwrap_syscall();
            true
        }

        fn execute_sponsored_v2(
            ref self: ContractState,
            account: ContractAddress,
            outside: OutsideExecution,
            signature: Span<felt252>,
            sponsor_ref: felt252
        ) -> bool {
            self.assert_open();
            self.pass_on(account, outside, signature, sponsor_ref);
            true
        }

        /// Deploys the account first, where the universal deployer would: its call and its event are spared.
        fn deploy_and_execute_sponsored(
            ref self: ContractState,
            class_hash: ClassHash,
            salt: felt252,
            constructor_calldata: Span<felt252>,
            outside: OutsideExecution,
            signature: Span<felt252>,
            sponsor_ref: felt252
        ) -> ContractAddress {
            self.assert_open();
            let (account, _) = deploy_syscall(class_hash, salt, constructor_calldata, true)
                .unwrap_syscall();
            self.pass_on(account, outside, signature, sponsor_ref);
            account
        }

        fn set_allowed(
            ref self: ContractState, to: ContractAddress, selector: felt252, allowed: bool
        ) {
            self.assert_policy();
            assert_address(to);
            self.Paymaster_allowed.write((to, selector), allowed);
            self.emit(AllowedChanged { to, selector, allowed });
        }

        fn set_quota(
            ref self: ContractState, max_calls: u32, per_account_day: u32, per_day: u32
        ) {
            self.assert_policy();
            self.write_quota(Quota { max_calls, per_account_day, per_day });
        }

        fn is_allowed(self: @ContractState, to: ContractAddress, selector: felt252) -> bool {
            self.Paymaster_allowed.read((to, selector))
        }

        fn quota(self: @ContractState) -> Quota {
            self.Paymaster_policy.read().quota
        }

        fn used_today(self: @ContractState, account: ContractAddress) -> u32 {
            on_day(self.Paymaster_used.read(account), today()).count
        }

        fn used_today_all(self: @ContractState) -> u32 {
            on_day(self.Paymaster_policy.read().all, today()).count
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn assert_open(self: @ContractState) {
            self.access.assert_role(RELAYER);
            self.access.assert_not_paused();
        }

        fn pass_on(
            ref self: ContractState,
            account: ContractAddress,
            outside: OutsideExecution,
            signature: Span<felt252>,
            sponsor_ref: felt252
        ) {
            self.admit(account, @outside, array![sponsor_ref].span());
            let mut calldata: Array<felt252> = array![];
            outside.serialize(ref calldata);
            signature.serialize(ref calldata);
            call_contract_syscall(account, EXECUTE_V2, calldata.span()).unwrap_syscall();
        }

        /// Checks one outside execution of `account` against the list and the quotas, and counts it.
        fn admit(
            ref self: ContractState,
            account: ContractAddress,
            outside: @OutsideExecution,
            sponsor_metadata: Span<felt252>
        ) {
            assert(*outside.caller == get_contract_address(), errors::FOREIGN_CALLER);

            let mut policy = self.Paymaster_policy.read();
            let calls = *outside.calls;
            assert(!calls.is_empty(), errors::NO_CALLS);
            assert(calls.len() <= policy.quota.max_calls, errors::TOO_MANY_CALLS);
            for call in calls {
                assert(
                    self.Paymaster_allowed.read((*call.to, *call.selector)), errors::NOT_ALLOWED
                );
            };

            let day = today();
            let mut used = on_day(self.Paymaster_used.read(account), day);
            assert(used.count < policy.quota.per_account_day, errors::ACCOUNT_QUOTA);
            used.count += 1;
            let mut all = on_day(policy.all, day);
            assert(all.count < policy.quota.per_day, errors::DAY_QUOTA);
            all.count += 1;
            policy.all = all;
            self.Paymaster_used.write(account, used);
            self.Paymaster_policy.write(policy);
            self.emit(SponsoredTransaction { account, sponsor_metadata });
        }

        fn assert_policy(self: @ContractState) {
            if get_caller_address() != self.owner() {
                self.access.assert_role(POLICY);
            }
        }

        fn write_quota(ref self: ContractState, quota: Quota) {
            let Quota { max_calls, per_account_day, per_day } = quota;
            assert(
                max_calls != 0
                    && max_calls <= MOST_CALLS
                    && per_account_day != 0
                    && per_account_day <= per_day,
                errors::QUOTA_BOUNDS
            );
            let all = self.Paymaster_policy.read().all;
            self.Paymaster_policy.write(Policy { quota, all });
            self.emit(QuotaChanged { max_calls, per_account_day, per_day });
        }
    }

    fn today() -> u32 {
        (get_block_timestamp() / DAY).try_into().unwrap()
    }

    /// A count of another day is over.
    fn on_day(usage: Usage, day: u32) -> Usage {
        if usage.day == day {
            usage
        } else {
            Usage { day, count: 0 }
        }
    }

    fn assert_address(account: ContractAddress) {
        let value: felt252 = account.into();
        assert(value != 0, errors::ZERO_ADDRESS);
    }

    /// day 32 bits, then count 32.
    impl UsagePacking of StorePacking<Usage, felt252> {
        fn pack(value: Usage) -> felt252 {
            value.day.into() + value.count.into() * SHIFT_32.into()
        }

        fn unpack(value: felt252) -> Usage {
            let wide: u128 = value.try_into().unwrap();
            let (count, day) = DivRem::div_rem(wide, TWO_POW_32);
            Usage { day: day.try_into().unwrap(), count: count.try_into().unwrap() }
        }
    }

    /// max_calls, per_account_day, per_day, day: 32 bits each; then the day's count.
    impl PolicyPacking of StorePacking<Policy, felt252> {
        fn pack(value: Policy) -> felt252 {
            let low: u128 = value.quota.max_calls.into()
                + value.quota.per_account_day.into() * SHIFT_32
                + value.quota.per_day.into() * SHIFT_64
                + value.all.day.into() * SHIFT_96;
            low.into() + value.all.count.into() * SHIFT_128
        }

        fn unpack(value: felt252) -> Policy {
            let wide: u256 = value.into();
            let (rest, max_calls) = DivRem::div_rem(wide.low, TWO_POW_32);
            let (rest, per_account_day) = DivRem::div_rem(rest, TWO_POW_32);
            let (day, per_day) = DivRem::div_rem(rest, TWO_POW_32);
            Policy {
                quota: Quota {
                    max_calls: max_calls.try_into().unwrap(),
                    per_account_day: per_account_day.try_into().unwrap(),
                    per_day: per_day.try_into().unwrap()
                },
                all: Usage {
                    day: day.try_into().unwrap(), count: wide.high.try_into().unwrap()
                }
            }
        }
    }
}
