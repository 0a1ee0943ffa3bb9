import { expect, it } from 'vitest';
import { instrument } from './branches.ts';

const SOURCE = `pub trait ITell {
    fn tell(self: @Self);
}
/// if (this) { is a comment }
pub fn walk(kind: Kind, n: u8) -> felt252 {
    let mut left = if n == 0 {
        return 'if { no';
    } else {
        n
    };
    if left == 9 {
        left = 1;
    } else if left == 8 {
        left = 2;
    }
    while left != 0 {
        left -= 1;
    };
    match kind {
        Kind::A => 1,
        Kind::B(Inner { value }) => { value },
        _ => if n == 1 {
            2
        } else {
            3
        }
    }
}
`;

/** The same with `hit` and the number of the branch instead of the counter's call. */
function shown(source: string): string {
  return source.replace(/crate::branch_counter::hit\((\d+)\);/g, (_, number: string) => `hit ${BigInt(number) - 0xc1c0_0000_0000n};`);
}

it('puts a counter into every branch, also into those that are not written, and moves no line', () => {
  const { sources, branches } = instrument(new Map([['walk', SOURCE], ['walk_test', SOURCE]]));
  const made = shown(sources.get('walk') ?? '').split('\n');
  expect(made).toHaveLength(SOURCE.split('\n').length);
  expect(made.slice(4)).toEqual([
    'pub fn walk(kind: Kind, n: u8) -> felt252 { hit 0;',
    '    let mut left = if n == 0 { hit 1;',
    "        return 'if { no';",
    '    } else { hit 2;',
    '        n',
    '    };',
    '    if left == 9 { hit 3;',
    '        left = 1;',
    '    } else if left == 8 { hit 4;',
    '        left = 2;',
    '    } else { hit 5; }',
    '    while left != 0 { hit 6;',
    '        left -= 1;',
    '    };',
    '    match kind {',
    '        Kind::A => { hit 7;1 },',
    '        Kind::B(Inner { value }) => { hit 8; value },',
    '        _ => { hit 9;if n == 1 { hit 10;',
    '            2',
    '        } else { hit 11;',
    '            3',
    '        }',
    '     }}',
    '}',
    '',
  ]);
  expect(branches.map(({ line, kind }) => `${line} ${kind}`)).toEqual(['5 function', '6 if', '8 else', '11 if', '13 if', '15 else', '16 loop', '20 arm', '21 arm', '22 arm', '22 if', '24 else']);
  expect(sources.get('walk_test')).toBe(SOURCE);
});

it('tells its numbers from others', () => {
  const { branches, branchOf } = instrument(new Map([['walk', SOURCE]]));
  expect([branchOf(0xc1c0_0000_0000n), branchOf(0xc1c0_0000_0000n + BigInt(branches.length)), branchOf(3n)]).toEqual([0, undefined, undefined]);
});
