import { expect, it } from 'vitest';
import { blankComments, contractsIn, modulesNamedIn, testsIn } from './cairo-source.ts';

it('blanks comments and strings without moving anything', () => {
  const source = `let a = 'crate::x'; // crate::y\nlet b = "crate::z \\" //";\nuse crate::w::V;\n`;
  const blank = blankComments(source);
  expect(blank).toHaveLength(source.length);
  expect(blank.split('\n')).toHaveLength(source.split('\n').length);
  expect(modulesNamedIn(source)).toEqual(['w']);
});

it('finds modules in plain, nested and braced paths', () => {
  expect(modulesNamedIn('use crate::a::{B, c::D};\nuse crate::{e, f::{g, h}, i_j::K};\nfn x() { crate::l::m() }\n')).toEqual(['a', 'e', 'f', 'i_j', 'l']);
});

it('finds contracts and tests with their attributes', () => {
  expect(contractsIn('#[starknet::contract]\npub mod One {}\n// #[starknet::contract] mod No {}\n#[starknet::contract]\nmod Two {}\n')).toEqual(['One', 'Two']);
  expect(testsIn("#[test]\nfn a() {}\n#[test]\n#[available_gas(2000)]\n#[should_panic(expected: ('CIRO-X: y]', 'Z'))]\nfn b() {}\nfn c() {}\n")).toEqual(['a', 'b']);
});
