//! The numbers of every seeded path, frozen: a change of any of them is listed in the changelog under "Changed values".

use centroids::{EmptyCluster, Float, Init, KMeans, KMeansPlusPlus, Random, SeededRng};
use ndarray::{Array1, Array2};

/// Whole numbers, the same in f32 and f64.
fn data<F: Float>() -> Array2<F> {
    rows(3000)
}

fn rows<F: Float>(n: usize) -> Array2<F> {
    let mut rng = SeededRng::new(2026);
    Array2::from_shape_fn((n, 3), |_| F::from(rng.below(1000)).unwrap())
}

fn weights<F: Float>() -> Array1<F> {
    Array1::from_shape_fn(3000, |i| F::from(i % 4).unwrap())
}

/// The first coordinates of the rows that the initialiser chooses.
fn chosen<F: Float>(init: &dyn Init<F>, weighted: bool) -> Vec<u32> {
    let (data, weights) = (data::<F>(), weights::<F>());
    let weights = weighted.then(|| weights.view());
    let rows = init.centroids(data.view(), weights, 6, &mut SeededRng::new(5)).unwrap();
    rows.column(0).iter().map(|x| x.to_u32().unwrap()).collect()
}

fn starts<F: Float>() -> [Vec<u32>; 6] {
    let greedy = KMeansPlusPlus::default();
    [
        chosen::<F>(&Random, false),
        chosen::<F>(&Random, true),
        chosen::<F>(&greedy, false),
        chosen::<F>(&greedy, true),
        chosen::<F>(&greedy.trials(1), false),
        chosen::<F>(&greedy.trials(7), false),
    ]
}

#[test]
fn starts_are_those_of_the_first_release() {
    for (which, (found, expected)) in starts::<f64>().into_iter().zip(STARTS).enumerate() {
        assert_eq!(found, expected, "start {which}");
    }
    assert_eq!(starts::<f32>(), starts::<f64>());
}

/// With so many rows of few columns and so many clusters, rows are drawn in the order of tiles.
#[test]
fn starts_of_many_rows_are_those_of_the_first_release() {
    fn chosen<F: Float>() -> Vec<u32> {
        let greedy = KMeansPlusPlus::default();
        let rows = greedy.centroids(rows::<F>(20_000).view(), None, 16, &mut SeededRng::new(5)).unwrap();
        rows.column(0).iter().map(|x| x.to_u32().unwrap()).collect()
    }
    assert_eq!((chosen::<f64>(), chosen::<f32>()), (MANY.to_vec(), MANY.to_vec()));
}

/// Inertia and iterations of whole fits.
fn fits<F: Float>() -> Vec<(u64, usize)> {
    let data = data::<F>();
    let kmeans = KMeans::new(12).seed(42);
    let mut far = Array2::from_elem((12, 3), F::from(1e5).unwrap());
    far.row_mut(0).assign(&data.row(0));
    let resample = kmeans.clone().init(far).empty_cluster(EmptyCluster::Resample);
    let models = [
        kmeans.fit(&data),
        kmeans.clone().n_init(12).fit(&data),
        kmeans.clone().init(Random).fit(&data),
        kmeans.fit_weighted(&data, &weights()),
        resample.fit(&data),
    ];
    models.into_iter().map(Result::unwrap).map(|model| (model.inertia().to_bits(), model.n_iter())).collect()
}

#[test]
fn fits_are_those_of_the_first_release() {
    assert_eq!(fits::<f64>(), FITS_F64);
    assert_eq!(fits::<f32>(), FITS_F32);
}

#[test]
fn random_numbers_are_those_of_the_first_release() {
    let mut rng = SeededRng::stream(7, 3);
    let found = (rng.next_u64(), rng.below(1000), rng.uniform().to_bits());
    assert_eq!(found, RANDOM);
}

const MANY: [u32; 16] = [502, 439, 274, 808, 72, 28, 688, 774, 643, 863, 147, 411, 969, 51, 340, 42];

const STARTS: [[u32; 6]; 6] = [
    [679, 217, 668, 117, 495, 530],
    [796, 217, 558, 117, 189, 633],
    [679, 216, 933, 236, 947, 166],
    [796, 365, 601, 116, 413, 48],
    [679, 216, 547, 14, 372, 496],
    [679, 557, 177, 584, 148, 456],
];
const FITS_F64: [(u64, usize); 5] = [
    (4_729_251_019_790_062_601, 40),
    (4_729_248_546_164_014_062, 13),
    (4_729_311_219_646_595_081, 21),
    (4_731_677_329_323_427_460, 31),
    (4_729_249_597_040_050_952, 26),
];
const FITS_F32: [(u64, usize); 5] = [
    (4_729_251_019_790_116_211, 40),
    (4_729_248_546_163_355_246, 13),
    (4_729_311_219_646_579_602, 21),
    (4_731_677_329_322_864_531, 31),
    (4_729_249_597_040_705_350, 26),
];
const RANDOM: (u64, usize, u64) = (12_228_748_295_295_190_366, 504, 4_604_804_984_999_583_816);
