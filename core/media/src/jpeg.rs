//! JPEG to pixels and back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use crate::{MAX_SIDE, MediaError, header::Header, mend::Tail, pixels::Picture};

/// Bytes at the end of a picture without an end mark that its pixels must need. If they do not, bytes of something else may stand
/// for lost pixels.
const NEEDED: usize = 16;

/// Decodes the pixels of the picture with this header. A picture without an end mark is [`MediaError::Truncated`] unless all its
/// rows are there.
pub(crate) fn decode(header: &Header) -> Result<Picture, MediaError> {
    if header.is_ended {
        return pixels(header, &header.mended(Tail::default()));
    }
    // Zeros or ones at the end are the rest of a card's block, or pixels of an even surface.
    let tails = [false, true].map(|filled| Tail { filled, less: 0 });
    let taken = tails.into_iter().find_map(|tail| {
        // The last scan of a progressive picture may end with a run of bits for which no Huffman code is needed.
        let is_sure = header.is_progressive && !tail.filled;
        let is_whole = is_sure || pixels(header, &header.mended(Tail { less: NEEDED, ..tail })).is_err();
        if is_whole { pixels(header, &header.mended(tail)).ok() } else { None }
    });
    taken.ok_or(MediaError::Truncated)
}

/// Decodes a picture as it was mended for the decoder.
fn pixels(header: &Header, picture: &[u8]) -> Result<Picture, MediaError> {
    // Strict mode, because otherwise a damaged scan gives a half grey picture without an error.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
    // zune-jpeg 0.5.15 panics at scans that no camera writes (found by tests/fuzz, and by others at the same place: zune-image
    // #362, open). `AssertUnwindSafe` holds because on a panic the decoder and all that it built are dropped.
    let decoded = catch_unwind(AssertUnwindSafe(move || decoder.decode()));
    let rgb = decoded.map_err(|_| MediaError::Damaged)?.map_err(|_| MediaError::Damaged)?;
    let (width, height) = (header.width, header.height);
    if rgb.len() != width as usize * height as usize * 3 {
        return Err(MediaError::Damaged);
    }
    Ok(Picture { width, height, rgb })
}

/// Encodes a baseline JPEG with colours at half resolution, and without metadata except a colour profile.
///
/// Huffman tables are not optimised, because zune-jpeg 0.5 decodes files with optimised tables and halved colours to garbage.
pub(crate) fn encode(picture: &Picture, quality: u8, icc: Option<&[u8]>) -> Result<Vec<u8>, MediaError> {
    let internal = |_| MediaError::Internal("encode");
    let side = |side: u32| u16::try_from(side).map_err(|_| MediaError::Internal("side"));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if let Some(icc) = icc {
        encoder.add_icc_profile(icc).map_err(internal)?;
    }
    encoder.encode(&picture.rgb, side(picture.width)?, side(picture.height)?, ColorType::Rgb).map_err(internal)?;
    Ok(bytes)
}
