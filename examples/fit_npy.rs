//! Fits a `.npy` matrix from given centroids and prints one JSON line: how this crate is timed beside others.
//!
//! ```text
//! cargo run --release --example fit_npy -- DATA.npy INIT.npy ITERS THREADS [f32|f64] [--algorithm NAME] [--converge] [--save MODEL]
//! ```
//!
//! * `DATA.npy`: (n, d) float32 or float64; `f32` or `f64` says in which type to fit (default: f32).
//! * `INIT.npy`: the (k, d) starting centroids; or `k=100` for the crate's own seeding (seed from the environment's `SEED`, or 0).
//! * `ITERS`: iterations with tolerance 0; a fixed point ends the fit sooner. `0` uses the default stopping rule.
//! * `--converge`: until no label changes, at most 300 iterations.
//! * `--algorithm`: auto (default), lloyd, hamerly, filtering.
//! * `--save`: writes the model as JSON.
//!
//! `fit_s` is the wall time of the fit alone, after a fit on the first 2,000 rows to warm up; `predict_s` that of labelling every row.

use centroids::{Algorithm, Float, KMeans, Stable};
use ndarray::{Array2, s};
use serde_json::json;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    data: String,
    init: String,
    iters: usize,
    threads: usize,
    double: bool,
    algorithm: Algorithm,
    converge: bool,
    save: Option<String>,
}

fn options() -> Outcome<Options> {
    let (mut plain, mut double, mut algorithm, mut converge, mut save) =
        (Vec::new(), false, Algorithm::Auto, false, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "f32" => double = false,
            "f64" => double = true,
            "--converge" => converge = true,
            "--save" => save = Some(args.next().ok_or("--save needs a file name")?),
            "--algorithm" => {
                algorithm = match args.next().ok_or("--algorithm needs a name")?.to_lowercase().as_str() {
                    "auto" => Algorithm::Auto,
                    "lloyd" => Algorithm::Lloyd,
                    "hamerly" => Algorithm::Hamerly,
                    "filtering" => Algorithm::Filtering,
                    other => return Err(format!("no algorithm is called {other}").into()),
                }
            }
            other if other.starts_with("--") => return Err(format!("no option is called {other}").into()),
            _ => plain.push(arg),
        }
    }
    let [data, init, iters, threads] = plain.try_into().map_err(
        |_| "usage: DATA.npy INIT.npy ITERS THREADS [f32|f64] [--algorithm NAME] [--converge] [--save MODEL]",
    )?;
    Ok(Options {
        data,
        init,
        iters: iters.parse()?,
        threads: threads.parse()?,
        double,
        algorithm,
        converge,
        save,
    })
}

/// A matrix as `numpy.save` writes it: a magic word and a version, the length of the header, the header in Python's notation, the
/// values. Crates that read it parse the whole of that notation, which takes longer to build than what all other examples need.
fn read<F: Float>(path: &str) -> Outcome<Array2<F>> {
    matrix(path).map_err(|error| format!("{path}: {error}").into())
}

fn matrix<F: Float>(path: &str) -> Outcome<Array2<F>> {
    let mut file = BufReader::new(File::open(path)?);
    let start: [u8; 8] = bytes(&mut file)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err("this is no .npy file".into());
    }
    let length = match start[6] {
        1 => u16::from_le_bytes(bytes(&mut file)?).into(),
        _ => u32::from_le_bytes(bytes(&mut file)?),
    };
    let mut header = String::new();
    file.by_ref().take(length.into()).read_to_string(&mut header)?;

    if !header.contains("'fortran_order': False") {
        return Err("row-major order is needed".into());
    }
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    let sizes = shape.split(',').map(|size| size.trim().parse().ok()).collect::<Vec<Option<usize>>>();
    let [Some(n), Some(d)] = sizes[..] else {
        return Err(format!("a matrix is needed, the shape is ({shape})").into());
    };
    let len = n.checked_mul(d).ok_or("the shape is too large")?;
    let cast = |x: f64| F::from(x).expect("both are floats");
    let single = header.contains("'<f4'");
    if !single && !header.contains("'<f8'") {
        return Err("float32 or float64 is needed".into());
    }
    let mut values = Vec::new();
    values.try_reserve_exact(len)?;
    for _ in 0..len {
        let value = if single {
            f32::from_le_bytes(bytes(&mut file)?).into()
        } else {
            f64::from_le_bytes(bytes(&mut file)?)
        };
        values.push(cast(value));
    }
    Ok(Array2::from_shape_vec((n, d), values)?)
}

fn bytes<const N: usize>(file: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn run<F: Float + serde::Serialize>(options: &Options) -> Outcome<()> {
    let data: Array2<F> = read(&options.data)?;
    let seed = std::env::var("SEED").map_or(Ok(0), |seed| seed.parse())?;
    let mut kmeans = if let Some(k) = options.init.strip_prefix("k=") {
        KMeans::new(k.parse()?).seed(seed)
    } else {
        let init: Array2<F> = read(&options.init)?;
        KMeans::new(init.nrows()).init(init)
    };
    kmeans = kmeans.algorithm(options.algorithm);
    if options.converge {
        kmeans = kmeans.converge_when(Stable);
    } else if options.iters > 0 {
        kmeans = kmeans.tolerance(0.0).max_iter(options.iters);
    }
    let few = data.slice(s![..data.nrows().min(2000), ..]);
    KMeans::new(few.nrows().clamp(1, 16)).algorithm(options.algorithm).max_iter(3).fit(&few)?;

    let clock = Instant::now();
    let model = kmeans.fit(&data)?;
    let fit_s = clock.elapsed().as_secs_f64();
    let clock = Instant::now();
    let labels = model.predict(&data)?;
    let predict_s = clock.elapsed().as_secs_f64();
    assert_eq!(&labels, model.labels(), "predict and fit disagree");

    let (n, d) = data.dim();
    println!(
        "{}",
        json!({
            "peer": "centroids", "n": n, "d": d, "k": model.n_clusters(), "iters": model.n_iter(), "threads": options.threads,
            "fit_s": fit_s, "ms_per_iter": 1e3 * fit_s / model.n_iter() as f64, "predict_s": predict_s,
            "inertia": model.inertia(), "stop": format!("{:?}", model.stop_reason()),
        })
    );
    if let Some(path) = &options.save {
        serde_json::to_writer(BufWriter::new(File::create(path)?), &model)?;
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let options = options()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    pool.install(|| {
        if options.double {
            run::<f64>(&options).map_err(|e| e.to_string())
        } else {
            run::<f32>(&options).map_err(|e| e.to_string())
        }
    })?;
    Ok(())
}
