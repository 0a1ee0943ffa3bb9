// What counter.sierra.json was compiled from, by wasm-cairo 0.10.2 and before any repair. It has a real 0xffffffff in it.
pub mod toy_math {
pub fn capped(value: u32) -> u32 {
    if value == 0xffffffff {
        return 0xffffffff;
    }
    value + 1
}
}
pub mod toy {
#[starknet::interface]
pub trait ICounter<TState> {
    fn count(self: @TState) -> u32;
    fn increase(ref self: TState);
}

#[starknet::contract]
pub mod Counter {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};

    #[storage]
    struct Storage {
        count: u32,
    }

    #[abi(embed_v0)]
    impl CounterImpl of super::ICounter<ContractState> {
        fn count(self: @ContractState) -> u32 {
            self.count.read()
        }

        fn increase(ref self: ContractState) {
            self.count.write(crate::toy_math::capped(self.count.read()));
        }
    }
}
}
