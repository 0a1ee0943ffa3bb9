//! Who may do what: an owner that changes in two steps, roles that the owner gives, and a pause that guardians
//! set and only the owner lifts. The owner is the Treasury's timelock once `npm run chain` has handed over.

use starknet::{ClassHash, ContractAddress};

/// May pause.
pub const GUARDIAN: felt252 = selector!("GUARDIAN");

#[starknet::interface]
pub trait IAccess<TState> {
    fn owner(self: @TState) -> ContractAddress;
    fn pending_owner(self: @TState) -> ContractAddress;
    fn has_role(self: @TState, role: felt252, account: ContractAddress) -> bool;
    fn is_paused(self: @TState) -> bool;
    fn transfer_ownership(ref self: TState, to: ContractAddress);
    fn accept_ownership(ref self: TState);
    fn grant_role(ref self: TState, role: felt252, account: ContractAddress);
    fn revoke_role(ref self: TState, role: felt252, account: ContractAddress);
    fn pause(ref self: TState);
    fn unpause(ref self: TState);
    fn upgrade(ref self: TState, class_hash: ClassHash);
}

pub mod errors {
    pub const NOT_OWNER: felt252 = 'CIRO-AC: not owner';
    pub const NOT_PENDING_OWNER: felt252 = 'CIRO-AC: not pending owner';
    pub const MISSING_ROLE: felt252 = 'CIRO-AC: missing role';
    pub const ZERO_OWNER: felt252 = 'CIRO-AC: zero owner';
    pub const PAUSED: felt252 = 'CIRO-AC: paused';
    pub const NOT_PAUSED: felt252 = 'CIRO-AC: not paused';
    pub const ZERO_CLASS: felt252 = 'CIRO-AC: zero class';
}

#[starknet::component]
pub mod AccessComponent {
    use starknet::{ClassHash, ContractAddress, get_caller_address, syscalls::replace_class_syscall};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::{GUARDIAN, errors};

    #[storage]
    struct Storage {
        Access_owner: ContractAddress,
        Access_pending_owner: ContractAddress,
        Access_roles: Map<(felt252, ContractAddress), bool>,
        Access_paused: bool,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        OwnershipOffered: OwnershipOffered,
        OwnershipTransferred: OwnershipTransferred,
        RoleGranted: RoleGranted,
        RoleRevoked: RoleRevoked,
        Paused: Paused,
        Unpaused: Unpaused,
        Upgraded: Upgraded,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct OwnershipOffered {
        #[key]
        pub to: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct OwnershipTransferred {
        #[key]
        pub from: ContractAddress,
        #[key]
        pub to: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct RoleGranted {
        #[key]
        pub role: felt252,
        #[key]
        pub account: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct RoleRevoked {
        #[key]
        pub role: felt252,
        #[key]
        pub account: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct Paused {
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct Unpaused {
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct Upgraded {
        #[key]
        pub class_hash: ClassHash,
    }

    #[embeddable_as(AccessImpl)]
    pub impl Access<
        TContractState, +HasComponent<TContractState>, +Drop<TContractState>
    > of super::IAccess<ComponentState<TContractState>> {
        fn owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.Access_owner.read()
        }

        fn pending_owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.Access_pending_owner.read()
        }

        fn has_role(
            self: @ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) -> bool {
            self.Access_roles.read((role, account))
        }

        fn is_paused(self: @ComponentState<TContractState>) -> bool {
            self.Access_paused.read()
        }

        /// Offers the ownership; it changes when `to` accepts. Offering to zero takes an offer back.
        fn transfer_ownership(ref self: ComponentState<TContractState>, to: ContractAddress) {
            self.assert_owner();
            self.Access_pending_owner.write(to);
            self.emit(OwnershipOffered { to });
        }

        fn accept_ownership(ref self: ComponentState<TContractState>) {
            let caller = get_caller_address();
            assert(caller == self.Access_pending_owner.read(), errors::NOT_PENDING_OWNER);
            let from = self.Access_owner.read();
            self.Access_pending_owner.write(zero_address());
            self.Access_owner.write(caller);
            self.emit(OwnershipTransferred { from, to: caller });
        }

        fn grant_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            self.assert_owner();
            self.set_role(role, account);
        }

        fn revoke_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            self.assert_owner();
            self.Access_roles.write((role, account), false);
            self.emit(RoleRevoked { role, account });
        }

        fn pause(ref self: ComponentState<TContractState>) {
            let caller = get_caller_address();
            if caller != self.Access_owner.read() {
                self.assert_role(GUARDIAN);
            }
            self.assert_not_paused();
            self.Access_paused.write(true);
            self.emit(Paused { by: caller });
        }

        fn unpause(ref self: ComponentState<TContractState>) {
            self.assert_owner();
            assert(self.Access_paused.read(), errors::NOT_PAUSED);
            self.Access_paused.write(false);
            self.emit(Unpaused { by: get_caller_address() });
        }

        /// Replaces the code at this address; storage stays as it is.
        fn upgrade(ref self: ComponentState<TContractState>, class_hash: ClassHash) {
            self.assert_owner();
            let hash: felt252 = class_hash.into();
            assert(hash != 0, errors::ZERO_CLASS);
            replace_class_syscall(class_hash).unwrap();
            self.emit(Upgraded { class_hash });
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>, +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// For constructors only.
        fn initializer(ref self: ComponentState<TContractState>, owner: ContractAddress) {
            assert(owner != zero_address(), errors::ZERO_OWNER);
            self.Access_owner.write(owner);
            self.emit(OwnershipTransferred { from: zero_address(), to: owner });
        }

        /// For constructors and `grant_role`: gives the role without asking who calls.
        fn set_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            self.Access_roles.write((role, account), true);
            self.emit(RoleGranted { role, account });
        }

        fn assert_owner(self: @ComponentState<TContractState>) {
            assert(get_caller_address() == self.Access_owner.read(), errors::NOT_OWNER);
        }

        fn assert_role(self: @ComponentState<TContractState>, role: felt252) {
            assert(self.Access_roles.read((role, get_caller_address())), errors::MISSING_ROLE);
        }

        fn assert_not_paused(self: @ComponentState<TContractState>) {
            assert(!self.Access_paused.read(), errors::PAUSED);
        }
    }

    fn zero_address() -> ContractAddress {
        0.try_into().unwrap()
    }
}
