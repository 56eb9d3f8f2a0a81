//! Writes the JavaScript beside a module: `bindgen MODULE.wasm FOLDER NAME [names]`. With `names` the functions
//! keep theirs, for what goes by them afterwards.

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(module), Some(folder), Some(name)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: bindgen MODULE.wasm FOLDER NAME [names]".into());
    };
    let names = args.next().is_some();
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(&name).web(true)?.typescript(true);
    bindgen.remove_name_section(!names).remove_producers_section(true);
    Ok(bindgen.generate(folder)?)
}
