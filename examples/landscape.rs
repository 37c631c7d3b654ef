//! Paints the picture that the palette example ships: a sunset over a lake.
//!
//! ```text
//! cargo run --release --example landscape -- examples/data/landscape.png
//! ```
//!
//! The picture is computed, not photographed: layers of value noise over a sky of mixed colours, mirrored in the water. It falls
//! under the licence of the crate.

mod picture;

use picture::Picture;

const WIDTH: usize = 480;
const HEIGHT: usize = 320;

type Colour = [f64; 3];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: landscape FILE.png")?;
    let pixel = |x: usize, y: usize| {
        // Four samples a pixel, for smooth edges.
        let samples = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
        let unit = |at: usize, off: f64| (at as f64 + off) / HEIGHT as f64;
        let colours = samples.map(|(right, down)| landscape(unit(x, right), unit(y, down)));
        std::array::from_fn(|t| {
            let mean = colours.iter().map(|colour| colour[t].clamp(0.0, 1.0)).sum::<f64>() / 4.0;
            (mean * 255.0).round() as u8
        })
    };
    let pixels = (0..WIDTH * HEIGHT).map(|i| pixel(i % WIDTH, i / WIDTH)).collect();
    Picture { width: WIDTH, pixels }.save(path)
}

/// The colour at (x, y), both in units of the picture's height, y downwards.
fn landscape(x: f64, y: f64) -> Colour {
    const SHORE: f64 = 0.66;
    if y > meadow(x) {
        return flowers(x, y);
    }
    if y < SHORE {
        return above(x, y);
    }
    // Water mirrors what is above the shore; ripples widen towards the viewer.
    let near = (y - SHORE) / (1.0 - SHORE);
    let ripple = (noise(x * 6.0, y * (120.0 - 60.0 * near)) - 0.5) * (0.01 + 0.06 * near);
    let mirrored = above(x + 0.3 * ripple, (2.0 * SHORE - y - 0.02 - ripple).clamp(0.0, SHORE));
    mix(mirrored, [0.05, 0.22, 0.33], 0.18 + 0.42 * near)
}

/// Sky, sun and mountains.
fn above(x: f64, y: f64) -> Colour {
    let ridges: [(f64, f64, f64, Colour); 4] = [
        (0.46, 0.16, 1.0, [0.66, 0.48, 0.60]),
        (0.53, 0.14, 11.0, [0.46, 0.36, 0.54]),
        (0.59, 0.10, 23.0, [0.27, 0.29, 0.42]),
        (0.64, 0.07, 37.0, [0.09, 0.21, 0.20]),
    ];
    for (level, height, place, colour) in ridges.into_iter().rev() {
        let crest = level - height * (layers(x * 2.2 + place, place) - 0.5) * 2.0;
        if y > crest {
            // Mist gathers at the foot of each ridge.
            let mist = ((y - crest) / 0.16).min(1.0) * 0.45;
            let rough = 0.10 * (layers(x * 14.0, y * 26.0 + place) - 0.5);
            return mix(colour.map(|c| c + rough), [0.93, 0.66, 0.55], mist);
        }
    }
    sky(x, y)
}

fn sky(x: f64, y: f64) -> Colour {
    let stops: [(f64, Colour); 5] = [
        (0.00, [0.13, 0.20, 0.45]),
        (0.20, [0.33, 0.40, 0.66]),
        (0.36, [0.86, 0.56, 0.58]),
        (0.46, [0.98, 0.70, 0.40]),
        (0.62, [1.00, 0.86, 0.56]),
    ];
    let after = stops.iter().position(|&(at, _)| at > y).unwrap_or(4).max(1);
    let ((from, low), (to, high)) = (stops[after - 1], stops[after]);
    let mut colour = mix(low, high, ((y - from) / (to - from)).clamp(0.0, 1.0));

    let to_sun = (x - 1.02).hypot(y - 0.37);
    colour = mix(colour, [1.0, 0.80, 0.45], 0.8 * (-to_sun * to_sun / 0.03).exp());
    colour = mix(colour, [1.0, 0.97, 0.84], ((0.052 - to_sun) / 0.004).clamp(0.0, 1.0));

    let cloud = layers(x * 1.8 + 5.0, y * 7.0 + 2.0);
    let cover = ((cloud - 0.47) / 0.2).clamp(0.0, 1.0) * (1.0 - y / 0.55).clamp(0.0, 1.0);
    let lit = mix([0.50, 0.36, 0.55], [1.0, 0.62, 0.45], (y / 0.36).clamp(0.0, 1.0));
    mix(colour, mix(lit, [1.0, 0.90, 0.78], (cloud - 0.56).clamp(0.0, 0.2) * 3.0), 0.85 * cover)
}

/// The upper edge of the meadow in front.
fn meadow(x: f64) -> f64 {
    0.87 + 0.10 * (x - 0.9) - 0.05 * layers(x * 3.0, 71.0) - 0.02 * noise(x * 90.0, 3.0)
}

fn flowers(x: f64, y: f64) -> Colour {
    let depth = ((y - 0.8) / 0.2).clamp(0.0, 1.0);
    let blades = layers(x * 60.0 + 3.0 * y, y * 14.0);
    let grass = mix([0.10, 0.22, 0.07], [0.42, 0.52, 0.16], blades * (1.25 - 0.5 * depth));
    // One flower at most in each cell of a grid.
    let (column, row) = ((x * 40.0).floor(), (y * 40.0).floor());
    let (across, down) = (x * 40.0 - column - 0.5, y * 40.0 - row - 0.5);
    let off = (hash(column, row, 5) - 0.5) * 0.5;
    if hash(column, row, 1) < 0.42 && (across - off).hypot(down + off) < 0.24 {
        let petals = [[0.86, 0.12, 0.16], [0.95, 0.75, 0.13], [0.55, 0.25, 0.72], [0.96, 0.93, 0.90]];
        let petal = petals[(hash(column, row, 2) * 4.0) as usize];
        return mix(
            petal,
            [0.15, 0.08, 0.10],
            0.5 * (across + down).clamp(0.0, 0.5) + 0.25 * hash(column, row, 3),
        );
    }
    grass
}

fn mix(a: Colour, b: Colour, share: f64) -> Colour {
    std::array::from_fn(|t| a[t] + (b[t] - a[t]) * share)
}

/// Five octaves of noise, 0 to 1.
fn layers(x: f64, y: f64) -> f64 {
    (0..5)
        .map(|octave| noise(x * f64::from(1 << octave), y * f64::from(1 << octave)) / f64::from(2 << octave))
        .sum()
}

/// Random values at whole coordinates, smoothly joined, 0 to 1.
fn noise(x: f64, y: f64) -> f64 {
    let (column, row) = (x.floor(), y.floor());
    let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
    let (right, down) = (smooth(x - column), smooth(y - row));
    let along = |row| hash(column, row, 0) * (1.0 - right) + hash(column + 1.0, row, 0) * right;
    along(row) * (1.0 - down) + along(row + 1.0) * down
}

/// A random number in [0, 1) for a cell of the plane.
fn hash(column: f64, row: f64, what: u64) -> f64 {
    let mut bits = (column as i64 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (row as i64 as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
        ^ what.wrapping_mul(0x1656_67B1_9E37_79F9);
    for shift in [32, 29, 32] {
        bits = (bits ^ (bits >> shift)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
