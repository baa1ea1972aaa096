//! What the scans of a JPEG bring: which parts of a picture are there, and which Huffman tables they need.

/// The Huffman tables that were defined, each set with a bit for each number.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    dc: u16,
    ac: u16,
}

impl Tables {
    /// Takes a segment of tables.
    pub(crate) fn define(&mut self, payload: &[u8]) {
        let mut rest = payload;
        while let Some(([kind, counts @ ..], values)) = rest.split_first_chunk::<17>() {
            let set = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *set |= 1 << (kind & 15);
            let count: usize = counts.iter().map(|count| usize::from(*count)).sum();
            rest = values.get(count..).unwrap_or_default();
        }
    }

    fn have(&self, wanted: u8) -> bool {
        self.dc >> (wanted >> 4) & 1 == 1 && self.ac >> (wanted & 15) & 1 == 1
    }
}

/// The scans that were seen.
#[derive(Debug, Default)]
pub(crate) struct Scans {
    /// A component with a bit for each of its 64 coefficients whose last bit a scan has brought.
    done: Vec<(u8, u64)>,
}

impl Scans {
    /// Takes the head of a scan. `true` if a baseline scan with this head would lack a table.
    pub(crate) fn see(&mut self, payload: &[u8], tables: &Tables) -> bool {
        let Some((&count, rest)) = payload.split_first() else { return false };
        let Some((components, rest)) = rest.split_at_checked(usize::from(count) * 2) else { return false };
        let (components, _) = components.as_chunks::<2>();
        if let [first @ 0..64, last @ 0..64, precision, ..] = *rest
            && precision & 15 == 0
            && first <= last
        {
            let coefficients = (u64::MAX >> (63 - last)) & (u64::MAX << first);
            self.done.extend(components.iter().map(|[id, _]| (*id, coefficients)));
        }
        components.iter().any(|[_, wanted]| !tables.have(*wanted))
    }

    /// Whether the scans bring all of each component. A scan that is not progressive brings all coefficients, whatever it says.
    pub(crate) fn are_all(&self, ids: &[u8], progressive: bool) -> bool {
        ids.iter().all(|id| {
            let of = self.done.iter().filter(|(of, _)| of == id);
            let (scans, coefficients) = of.fold((0, 0), |(scans, all), (_, coefficients)| (scans + 1, all | coefficients));
            if progressive { coefficients == u64::MAX } else { scans > 0 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progressive_picture_is_there_when_each_component_has_the_last_bit_of_each_coefficient() {
        let mut scans = Scans::default();
        let mut see = |scan: &[u8]| {
            scans.see(scan, &Tables::default());
            scans.are_all(&[1, 2], true)
        };
        assert!(!see(&[2, 1, 0, 2, 0x11, 0, 0, 0x01]));
        assert!(!see(&[1, 1, 0, 1, 63, 0x00]));
        assert!(!see(&[1, 2, 0, 1, 63, 0x01]));
        assert!(!see(&[1, 2, 0, 1, 63, 0x10]));
        assert!(see(&[2, 1, 0, 2, 0x11, 0, 0, 0x10]));
        assert!(!Scans::default().are_all(&[1], false));
    }

    #[test]
    fn a_table_counts_only_when_it_is_defined() {
        let mut tables = Tables::default();
        let table = |kind: u8, values: usize| {
            let mut bytes = vec![kind, values as u8];
            bytes.resize(17 + values, 0);
            bytes
        };
        tables.define(&[table(0x00, 3), table(0x11, 2)].concat());
        assert!(tables.have(0x01) && !tables.have(0x00) && !tables.have(0x11));
        let lacks = |wanted: u8| Scans::default().see(&[1, 1, wanted, 0, 63, 0], &tables);
        assert!(lacks(0x11) && !lacks(0x01));
    }
}
