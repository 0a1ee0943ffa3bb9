//! Stands for the CommitmentStore where the court is tested: remembers what was done to an epoch.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IJobsStore<TState> {
    fn hold_epoch(ref self: TState, epoch: u64, case_id: u64);
    fn release_epoch(ref self: TState, epoch: u64);
    fn veto_epoch(ref self: TState, epoch: u64) -> bool;
    fn has_role(self: @TState, role: felt252, account: ContractAddress) -> bool;
    /// 0, 'held', 'released' or 'vetoed'.
    fn fate(self: @TState, epoch: u64) -> felt252;
    fn case_of(self: @TState, epoch: u64) -> u64;
    /// From here on every release and veto is refused.
    fn refuse(ref self: TState);
}

#[starknet::contract]
pub mod JobsStore {
    use starknet::ContractAddress;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::IJobsStore;

    #[storage]
    struct Storage {
        fate: Map<u64, felt252>,
        case_of: Map<u64, u64>,
        refuses: bool,
    }

    #[constructor]
    fn constructor(ref self: ContractState) {}

    #[abi(embed_v0)]
    impl JobsStoreImpl of IJobsStore<ContractState> {
        fn hold_epoch(ref self: ContractState, epoch: u64, case_id: u64) {
            self.fate.write(epoch, 'held');
            self.case_of.write(epoch, case_id);
        }

        fn release_epoch(ref self: ContractState, epoch: u64) {
            assert(!self.refuses.read(), 'FX: refused');
            self.fate.write(epoch, 'released');
        }

        fn veto_epoch(ref self: ContractState, epoch: u64) -> bool {
            assert(!self.refuses.read(), 'FX: refused');
            self.fate.write(epoch, 'vetoed');
            true
        }

        fn has_role(self: @ContractState, role: felt252, account: ContractAddress) -> bool {
            let account: felt252 = account.into();
            role == selector!("SETTLER") && account == 'settler'
        }

        fn fate(self: @ContractState, epoch: u64) -> felt252 {
            self.fate.read(epoch)
        }

        fn case_of(self: @ContractState, epoch: u64) -> u64 {
            self.case_of.read(epoch)
        }

        fn refuse(ref self: ContractState) {
            self.refuses.write(true);
        }
    }
}
