//! The numbers of every seeded path, frozen: a change of any of them is listed in the changelog under "Changed values".

use centroids::{EmptyCluster, Float, Init, KMeans, KMeansPlusPlus, Random, SeededRng};
use ndarray::{Array1, Array2, s};

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

/// The first coordinates of the rows that the initialiser chooses among the first n.
fn chosen_of<F: Float>(n: usize, init: &dyn Init<F>, weighted: bool) -> Vec<u32> {
    let (data, weights) = (data::<F>(), weights::<F>());
    let weights = weighted.then(|| weights.slice(s![..n]));
    let rows = init.centroids(data.slice(s![..n, ..]), weights, 6, &mut SeededRng::new(5)).unwrap();
    rows.column(0).iter().map(|x| x.to_u32().unwrap()).collect()
}

fn chosen<F: Float>(init: &dyn Init<F>, weighted: bool) -> Vec<u32> {
    chosen_of(3000, init, weighted)
}

fn starts<F: Float>() -> [Vec<u32>; 8] {
    let greedy = KMeansPlusPlus::default();
    [
        chosen::<F>(&Random, false),
        chosen::<F>(&Random, true),
        chosen::<F>(&greedy, false),
        chosen::<F>(&greedy, true),
        chosen::<F>(&greedy.trials(1), false),
        chosen::<F>(&greedy.trials(7), false),
        // Of fewer rows in their own order, not in that of tiles.
        chosen_of::<F>(1000, &greedy, false),
        chosen_of::<F>(1000, &greedy, true),
    ]
}

#[test]
fn starts_are_those_of_the_first_release() {
    for (which, (found, expected)) in starts::<f64>().into_iter().zip(STARTS).enumerate() {
        assert_eq!(found, expected, "start {which}");
    }
    assert_eq!(starts::<f32>(), starts::<f64>());
}

/// Several threads' worth of tiles; and so many centroids that candidates are drawn some steps ahead.
#[test]
fn starts_of_many_rows_and_of_pools_are_those_of_the_first_release() {
    fn chosen<F: Float>(n: usize, k: usize) -> Vec<u32> {
        let greedy = KMeansPlusPlus::default();
        let rows = greedy.centroids(rows::<F>(n).view(), None, k, &mut SeededRng::new(5)).unwrap();
        rows.column(0).iter().map(|x| x.to_u32().unwrap()).collect()
    }
    assert_eq!((chosen::<f64>(20_000, 16), chosen::<f32>(20_000, 16)), (MANY.to_vec(), MANY.to_vec()));
    assert_eq!((chosen::<f64>(1000, 24), chosen::<f32>(1000, 24)), (POOLS.to_vec(), POOLS.to_vec()));
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

const POOLS: [u32; 24] = [
    229, 708, 203, 950, 734, 786, 305, 106, 586, 58, 790, 573, 997, 20, 488, 723, 960, 218, 274, 800, 745,
    116, 945, 297,
];
const MANY: [u32; 16] = [502, 439, 274, 808, 72, 28, 688, 774, 643, 863, 147, 411, 969, 51, 340, 42];

const STARTS: [[u32; 6]; 8] = [
    [679, 217, 668, 117, 495, 530],
    [796, 217, 558, 117, 189, 633],
    [771, 253, 687, 253, 870, 372],
    [826, 87, 971, 487, 237, 253],
    [771, 253, 154, 339, 889, 122],
    [771, 207, 942, 326, 285, 617],
    [229, 708, 214, 864, 844, 151],
    [229, 872, 214, 337, 807, 919],
];
const FITS_F64: [(u64, usize); 5] = [
    (4_729_256_897_452_570_643, 22),
    (4_729_241_405_109_746_966, 37),
    (4_729_311_219_646_595_081, 21),
    (4_731_687_075_809_730_668, 25),
    (4_729_249_597_040_050_952, 26),
];
const FITS_F32: [(u64, usize); 5] = [
    (4_729_256_897_451_821_279, 22),
    (4_729_241_405_109_739_927, 37),
    (4_729_311_219_646_579_602, 21),
    (4_731_687_075_809_730_757, 25),
    (4_729_249_597_040_705_350, 26),
];
const RANDOM: (u64, usize, u64) = (12_228_748_295_295_190_366, 504, 4_604_804_984_999_583_816);
