//! Who may know whom: the walls of the house, read from the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each source file with its path from src and its code: without comments and tests.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    let files = paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap()));
    // The build script is no room of the library.
    let files =
        files.filter(|(name, _)| !name.ends_with("tests.rs") && name != "build.rs").map(|(name, text)| {
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            (name, lines.collect::<Vec<_>>().join("\n"))
        });
    files.collect()
}

/// Rooms, each with the rooms of the crate that it may name.
const MAY_KNOW: [(&str, &[&str]); 23] = [
    ("kernel/", &["kernel"]),
    // The one knot: a number type knows the doors to what was compiled for it, and they lead everywhere.
    ("float.rs", &["compiled", "kernel"]),
    (
        "compiled.rs",
        &[
            "bisecting",
            "data",
            "error",
            "float",
            "fuzzy",
            "init",
            "kernel",
            "kmeans",
            "lloyd",
            "medians",
            "medoids",
            "model",
            "predictor",
            "restarts",
            "rng",
            "spherical",
            "Float",
        ],
    ),
    ("error.rs", &["crate"]),
    ("rng.rs", &["crate"]),
    ("history.rs", &["crate"]),
    ("restarts.rs", &["error", "kernel"]),
    ("sampler.rs", &["float", "kernel", "rng"]),
    ("convergence.rs", &["history"]),
    ("data.rs", &["error", "float", "kernel"]),
    ("init/", &["error", "float", "kernel", "rng", "sampler", "Float"]),
    ("lloyd/", &["convergence", "data", "error", "float", "history", "kernel", "rng", "sampler", "Float"]),
    ("model.rs", &["data", "error", "float", "history", "kernel", "lloyd", "predictor"]),
    ("predictor.rs", &["data", "error", "float", "kernel"]),
    (
        "saved/",
        &[
            "balanced",
            "bisecting",
            "float",
            "fuzzy",
            "history",
            "kernel",
            "lloyd",
            "medians",
            "medoids",
            "model",
            "spherical",
        ],
    ),
    (
        "kmeans.rs",
        &[
            "convergence",
            "data",
            "error",
            "float",
            "history",
            "init",
            "kernel",
            "lloyd",
            "model",
            "predictor",
            "restarts",
            "rng",
        ],
    ),
    ("balanced.rs", &["convergence", "error", "float", "history", "init", "kmeans", "lloyd", "model"]),
    (
        "bisecting/",
        &[
            "convergence",
            "data",
            "error",
            "float",
            "history",
            "init",
            "kernel",
            "kmeans",
            "model",
            "predictor",
            "restarts",
            "rng",
        ],
    ),
    (
        "spherical.rs",
        &["convergence", "data", "error", "float", "history", "init", "kmeans", "lloyd", "model"],
    ),
    ("fuzzy/", &["data", "error", "float", "history", "init", "kernel", "restarts", "rng"]),
    ("medians/", &["data", "error", "float", "history", "init", "kernel", "lloyd", "restarts", "rng"]),
    ("medoids/", &["data", "error", "float", "history", "kernel", "restarts", "rng", "sampler"]),
    ("select/", &["data", "error", "float", "kernel", "kmeans", "model", "rng"]),
];

#[test]
fn rooms_know_only_those_below() {
    let mut named = 0;
    for (file, text) in code() {
        let Some((_, may_know)) = MAY_KNOW.iter().find(|(room, _)| file.starts_with(room)) else {
            assert_eq!(file, "lib.rs", "{file} is in no room: say in this test what it may know");
            continue;
        };
        for (at, _) in text.match_indices("crate::") {
            let rest = &text[at + 7..];
            let room: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(may_know.contains(&room.as_str()), "{file} names crate::{room}");
            named += 1;
        }
    }
    assert!(named > 50, "only {named} names were found: does this test still read the sources?");
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    for (file, text) in code() {
        let only =
            |name: &str, allowed: bool| assert!(allowed || !text.contains(name), "{file} knows {name}");
        only("rayon", file == "kernel/par.rs");
        only("rand::", file == "rng.rs");
        only("prefetch_index", file == "kernel/ahead.rs");
        only("fearless_simd", file.starts_with("kernel/"));
        only("ndarray", !file.starts_with("kernel/"));
        only("serde_json", false);
    }
}

#[test]
fn the_library_is_quiet_and_safe() {
    for (file, text) in code() {
        for word in ["println!", "print!", "dbg!", "todo!", "unimplemented!", "unsafe {", "unsafe fn"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
        assert!(text.lines().count() <= 400, "{file} is past 400 lines of code");
    }
}
