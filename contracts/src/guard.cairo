//! Refuses a call into a contract that is still inside one: token contracts are foreign code.

pub mod errors {
    pub const REENTERED: felt252 = 'CIRO-RG: reentered';
}

#[starknet::component]
pub mod GuardComponent {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use super::errors;

    #[storage]
    struct Storage {
        Guard_inside: bool,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {}

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>, +Drop<TContractState>
    > of InternalTrait<TContractState> {
        fn enter(ref self: ComponentState<TContractState>) {
            assert(!self.Guard_inside.read(), errors::REENTERED);
            self.Guard_inside.write(true);
        }

        fn leave(ref self: ComponentState<TContractState>) {
            self.Guard_inside.write(false);
        }
    }
}
