//! Pictures of 8 bits a colour, from and to PNG.
#![allow(unreachable_pub, reason = "a module of more than one example")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufWriter, Seek};
use std::path::Path;

pub type Rgb = [u8; 3];

#[derive(Clone)]
pub struct Picture {
    pub width: usize,
    /// Row by row.
    pub pixels: Vec<Rgb>,
}

impl Picture {
    /// Of any PNG: grey becomes RGB, 16 bits become 8, and transparency is dropped.
    #[allow(dead_code, reason = "one of the examples only writes")]
    pub fn read(png: impl BufRead + Seek) -> Result<Self, Box<dyn Error>> {
        let mut decoder = png::Decoder::new(png);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large a picture")?];
        let frame = reader.next_frame(&mut bytes)?;
        let samples = bytes[..frame.buffer_size()].chunks_exact(frame.color_type.samples());
        let rgb = |pixel: &[u8]| match *pixel {
            [red, green, blue, ..] => [red, green, blue],
            _ => [pixel[0]; 3],
        };
        Ok(Self { width: frame.width as usize, pixels: samples.map(rgb).collect() })
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Box<dyn Error>> {
        let height = self.pixels.len() / self.width;
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, self.width.try_into()?, height.try_into()?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header()?.write_image_data(self.pixels.as_flattened())?;
        Ok(())
    }
}
