//! Build script: tells the compiler whether this crate is built without optimisation, which no cfg of its own says.
//!
//! There wide vectors gain nothing and take time to compile, see `kernel/dispatch.rs`.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rustc-check-cfg=cfg(unoptimised)");
    if std::env::var("OPT_LEVEL").is_ok_and(|level| level == "0") {
        println!("cargo::rustc-cfg=unoptimised");
    }
}
