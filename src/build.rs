//! Build script: tells the compiler whether this crate is built without optimisation, which no cfg of its own says.
//!
//! There wide vectors gain nothing and take time to compile, see `kernel/dispatch.rs`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut cargo = std::io::stdout();
    writeln!(cargo, "cargo::rerun-if-changed=src/build.rs")?;
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(unoptimised)")?;
    if std::env::var("OPT_LEVEL").is_ok_and(|level| level == "0") {
        writeln!(cargo, "cargo::rustc-cfg=unoptimised")?;
    }
    Ok(())
}
