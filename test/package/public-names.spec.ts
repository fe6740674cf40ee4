import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULTS, ENVIRONMENT } from 'nest-sessions';
import ts from 'typescript';

const LIBRARY = resolve(import.meta.dirname, '../../libs/sessions');

/** Subpath → its declarations, as package.json names them. */
function entryPoints(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(join(LIBRARY, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  const entries = Object.entries(exports).flatMap(([subpath, target]): [string, string][] =>
    typeof target === 'string' ? [] : [[subpath, join(LIBRARY, target.types)]],
  );
  return new Map(entries);
}

/** Every name that can be imported, a type after `type`. */
function namesIn(program: ts.Program, file: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => {
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      const { flags } = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      return (flags & ts.SymbolFlags.Value) !== 0 ? symbol.name : `type ${symbol.name}`;
    })
    .toSorted();
}

/** A change of what users can name shows in review, as a change of the snapshot beside this file. */
describe('The public names', () => {
  const entries = entryPoints();
  const program = ts.createProgram([...entries.values()], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
  });

  it.each([...entries])('of %s are these', (_subpath, file) => {
    expect(namesIn(program, file)).toMatchSnapshot();
  });

  it('of the options, and of their environment variables, are these', () => {
    const names = Object.keys(DEFAULTS).map(
      (option) => `${option} ${ENVIRONMENT[option as keyof typeof ENVIRONMENT]}`,
    );
    expect(names).toMatchSnapshot();
  });
});
