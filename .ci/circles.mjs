// Finds circles of files: files of one crate that import each other, directly or around corners.
//
// usage: node .ci/circles.mjs [--report] [DIRECTORY...]
//
// An import is a `use` of crate::, super::, self:: or a child module, or such a path written out in the
// code. An import through a re-export counts as an import of the file that defines the item, so a parent
// that re-exports its children is no circle by itself; a parent that uses a child which in turn uses what
// the parent's own file defines is one. `#[cfg(test)]` modules do not count: they are in no build.
//
// --report lists every circle with one way around each, and exits 0.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const inRepository = (path) => relative(repository, path);

/** Replaces comments, texts and characters by spaces, so that what is left is code at its place. */
function codeOnly(source) {
    const blank = (text) => text.replace(/[^\n]/g, ' ');
    const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\b(?:br|cr|r)(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/g;
    return source.replace(token, blank);
}

/** The place behind the bracket that closes the one at `open`. */
function behindBlock(code, open) {
    let depth = 0;
    for (let at = open; at < code.length; at++) {
        if (code[at] === '{') depth++;
        else if (code[at] === '}' && --depth === 0) return at + 1;
    }
    return code.length;
}

/** `a::{b, c::{self, d as e}}` as [{path: ['a', 'b'], name: 'b'}, …]. */
function spread(tree, prefix = []) {
    const text = tree.trim();
    const brace = text.indexOf('{');
    if (brace < 0) {
        const [whole, as] = text.split(/\s+as\s+/);
        let path = [...prefix, ...whole.split('::').map((part) => part.trim()).filter(Boolean)];
        if (path.at(-1) === 'self' && path.length > 1) path = path.slice(0, -1);
        return [{ path, name: (as ?? path.at(-1)).trim() }];
    }
    const head = text.slice(0, brace).split('::').map((part) => part.trim()).filter(Boolean);
    const body = text.slice(brace + 1, text.lastIndexOf('}'));
    const parts = [];
    let depth = 0, from = 0;
    for (let at = 0; at <= body.length; at++) {
        if (body[at] === '{') depth++;
        else if (body[at] === '}') depth--;
        else if (at === body.length || (body[at] === ',' && depth === 0)) {
            parts.push(body.slice(from, at));
            from = at + 1;
        }
    }
    return parts.filter((part) => part.trim()).flatMap((part) => spread(part, [...prefix, ...head]));
}

class Module {
    constructor(file, parent, childrenIn) {
        Object.assign(this, { file, parent, childrenIn });
        this.root = parent ? parent.root : this;
        this.children = new Map();
        this.defined = new Set();
        this.uses = [];   // { path, name, line }
        this.paths = [];  // { path, line }
    }
}

/** Reads the code between two places of a file as the contents of a module, and its child modules. */
function readModule(module, code, source, from, to, macros) {
    const lineOf = (at) => code.slice(0, at).split('\n').length;
    const rest = code.slice(0, to).split('');
    const erase = (start, end) => { for (let at = start; at < end; at++) if (rest[at] !== '\n') rest[at] = ' '; };
    erase(0, from);

    const declaration = /((?:#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*([;{])/g;
    declaration.lastIndex = from;
    for (let found; (found = declaration.exec(code)) && found.index < to;) {
        const [whole, attributes, name, end] = found;
        const testOnly = /cfg\(test\)/.test(attributes);
        const elsewhere = source.slice(found.index, found.index + attributes.length).match(/path\s*=\s*"([^"]+)"/)?.[1];
        const open = found.index + whole.length - 1;
        const behind = end === '{' ? behindBlock(code, open) : open + 1;
        if (!testOnly && end === '{') {
            const child = new Module(module.file, module, join(module.childrenIn, name));
            module.children.set(name, child);
            readModule(child, code, source, open + 1, behind - 1, macros);
        } else if (!testOnly) {
            const places = elsewhere ? [join(dirname(module.file), elsewhere)] : [join(module.childrenIn, `${name}.rs`), join(module.childrenIn, name, 'mod.rs')];
            const file = places.find(existsSync);
            if (file) module.children.set(name, readFile(file, module, elsewhere ? dirname(file) : join(module.childrenIn, name), macros));
        }
        erase(found.index, behind);
        declaration.lastIndex = behind;
    }

    for (const found of rest.join('').matchAll(/((?:#\[[^\]]*\]\s*)*)\buse\s+([^;]+);/g)) {
        const line = lineOf(found.index + found[1].length);
        if (!/cfg\(test\)/.test(found[1])) {
            for (const { path, name } of spread(found[2])) module.uses.push({ path, name, line });
        }
        erase(found.index, found.index + found[0].length);
    }

    const body = rest.join('');
    // Where something may be seen is no import.
    const imports = body.replace(/pub\(in [\w:]+\)/g, (seen) => ' '.repeat(seen.length));
    for (const found of imports.matchAll(/(?<![\w:])((?:crate|super|self)(?:::\w+)+)/g)) {
        module.paths.push({ path: found[1].split('::'), line: lineOf(found.index) });
    }
    for (const found of body.matchAll(/(?<![\w:.])([a-z]\w*)((?:::\w+)+)/g)) {
        if (module.children.has(found[1])) module.paths.push({ path: `${found[1]}${found[2]}`.split('::'), line: lineOf(found.index) });
    }
    let depth = 0, last = 0;
    const item = /\b(?:fn|struct|enum|trait|type|const|static|union|macro_rules!)\s+(?:mut\s+)?(\w+)/g;
    for (const found of body.matchAll(item)) {
        for (; last < found.index; last++) depth += body[last] === '{' ? 1 : body[last] === '}' ? -1 : 0;
        if (depth === 0) module.defined.add(found[1]);
    }
    for (const found of body.matchAll(/#\[macro_export\]\s*macro_rules!\s+(\w+)/g)) macros.set(found[1], module);
}

function readFile(file, parent, childrenIn, macros) {
    const module = new Module(file, parent, childrenIn);
    const source = readFileSync(file, 'utf8');
    const code = codeOnly(source);
    readModule(module, code, source, 0, code.length, macros);
    return module;
}

/** The module that defines what a path names; null when it is another crate's. */
function definedIn(path, module, macros, seen = new Set()) {
    let here = module, rest = [...path];
    if (rest[0] === 'crate') { here = module.root; rest.shift(); }
    else if (rest[0] === 'self') rest.shift();
    else if (rest[0] === 'super') while (rest[0] === 'super' && here.parent) { here = here.parent; rest.shift(); }
    else if (!module.children.has(rest[0])) return null;
    while (rest.length > 0 && here.children.has(rest[0])) here = here.children.get(rest.shift());
    if (rest.length === 0 || rest[0] === '*' || here.defined.has(rest[0])) return here;
    return exportedBy(here, rest[0], macros, seen) ?? (here === here.root && macros.get(rest[0])) ?? here;
}

function exportedBy(module, name, macros, seen) {
    const key = `${module.file}:${module.childrenIn}:${name}`;
    if (seen.has(key)) return null;
    seen.add(key);
    for (const use of module.uses) {
        if (use.name === name) {
            // A path of another crate: whoever imports it from here has nothing of this file.
            return definedIn(use.path, module, macros, seen) ?? null;
        }
    }
    for (const use of module.uses.filter((use) => use.path.at(-1) === '*')) {
        const through = definedIn(use.path, module, macros, seen);
        if (through && through !== module && through.defined.has(name)) return through;
    }
    return null;
}

function importsOf(root, macros) {
    const imports = new Map(); // from → Map(to → 'line: path')
    const visit = (module) => {
        if (!imports.has(module.file)) imports.set(module.file, new Map());
        for (const { path, line } of [...module.uses, ...module.paths]) {
            const target = definedIn(path, module, macros);
            if (!target || target.file === module.file) continue;
            const known = imports.get(module.file);
            if (!known.has(target.file)) known.set(target.file, `line ${line}: ${path.join('::')}`);
        }
        for (const child of module.children.values()) visit(child);
    };
    visit(root);
    return imports;
}

/** Tarjan's strongly connected components of more than one file. */
function circlesOf(imports) {
    const index = new Map(), low = new Map(), stack = [], circles = [];
    const connect = (file) => {
        index.set(file, index.size); low.set(file, index.get(file)); stack.push(file);
        for (const to of imports.get(file)?.keys() ?? []) {
            if (!index.has(to)) { connect(to); low.set(file, Math.min(low.get(file), low.get(to))); }
            else if (stack.includes(to)) low.set(file, Math.min(low.get(file), index.get(to)));
        }
        if (low.get(file) === index.get(file)) {
            const circle = stack.splice(stack.indexOf(file));
            if (circle.length > 1) circles.push(circle.sort());
        }
    };
    for (const file of imports.keys()) if (!index.has(file)) connect(file);
    return circles;
}

/** The shortest way from a file back to itself. */
function wayAround(start, circle, imports) {
    const before = new Map([[start, null]]), queue = [start];
    for (const file of queue) {
        for (const to of imports.get(file).keys()) {
            if (to === start) {
                const way = [to];
                for (let at = file; at !== null; at = before.get(at)) way.unshift(at);
                return way;
            }
            if (circle.includes(to) && !before.has(to)) { before.set(to, file); queue.push(to); }
        }
    }
    return [];
}

/** The root files of a crate: its library, programs, tests, benchmarks. */
function rootsOf(crate) {
    const roots = ['src/lib.rs', 'src/main.rs'].map((path) => join(crate, path));
    for (const folder of ['src/bin', 'tests', 'benches', 'examples']) {
        const path = join(crate, folder);
        if (!existsSync(path)) continue;
        for (const name of readdirSync(path)) roots.push(name.endsWith('.rs') ? join(path, name) : join(path, name, 'main.rs'));
    }
    return roots.filter((path) => existsSync(path) && statSync(path).isFile());
}

const report = process.argv.includes('--report');
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--')).map((path) => resolve(path));
const members = readFileSync(join(repository, 'Cargo.toml'), 'utf8').match(/members = \[([^\]]*)\]/)[1].match(/[\w/-]+/g);
let failed = 0, files = 0;
for (const crate of asked.length > 0 ? asked : members.map((name) => join(repository, name))) {
    for (const root of rootsOf(crate)) {
        const macros = new Map();
        const imports = importsOf(readFile(root, null, dirname(root), macros), macros);
        files += imports.size;
        for (const circle of circlesOf(imports)) {
            failed++;
            console.log(`\ncircle of ${circle.length} files in ${inRepository(root)}:`);
            const told = new Set();
            for (const start of circle) {
                const way = wayAround(start, circle, imports);
                const name = [...new Set(way)].sort().join();
                if (told.has(name)) continue;
                told.add(name);
                console.log('  around:');
                for (let at = 0; at + 1 < way.length; at++) {
                    console.log(`    ${inRepository(way[at])} → ${inRepository(way[at + 1])}  (${imports.get(way[at]).get(way[at + 1])})`);
                }
            }
        }
    }
}
if (failed > 0 && !report) {
    console.error('\nerror: files import each other in a circle; move what both need into a file of its own');
    process.exit(1);
}
console.log(`${files} files, ${failed === 0 ? 'no circle' : `${failed} circles`}`);
