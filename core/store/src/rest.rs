//! The changes that a sending leaves behind. A sending names them before they come, so that their acts are no later for having
//! been split, cut or sent again.
//!
//! Unsent changes are ordered into links: some changes of one document, of limited size, so that every batch can hold a whole
//! link. The links that one sending named are a chain. A batch takes links from the beginning of the oldest chain on, so the end
//! of a chain stays, and one hash names it. A named chain never changes: later records form a chain of their own, and a link
//! whose changes were written anew stays in it as a digest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use doorstep_domain::{CaseId, ChangeHash, Digest};
use doorstep_protocol::{
    Brought, Leaf, MAX_REST, MIN_BATCH_BYTES, RestLink,
    signing::{NOTHING_LEFT, doc_digest, rest_chain},
};
use rusqlite::Connection;

use crate::{
    StoreError,
    row::{Statements, params},
    sheet_row,
    states::OutboxState,
};

/// An unsent change, without its bytes.
pub(crate) struct Row {
    pub id: i64,
    pub tries: i64,
    pub recorded_at: i64,
    pub hash: ChangeHash,
    /// The monotonic time of its act; 0 until its bytes are read.
    pub mono_ms: u64,
}

/// Changes of one document that are named and sent together.
pub(crate) struct Link {
    /// The chain of the link; `None` if no sending has named it, or the server has seen it.
    chain: Option<i64>,
    pub case: CaseId,
    digest: Digest,
    /// The changes. Empty if they were written anew or put aside since the link was named; other links then hold them.
    pub rows: Vec<Row>,
    pub size: usize,
}

/// The unsent links as they were after a request. Reading them takes a look at every unsent change, so that a long upload would look at
/// each once for every batch.
pub(crate) struct Left {
    links: Vec<Link>,
    /// The state of the database at that moment.
    at: Moment,
}

/// Two equal moments have the same rows, if this process has only read in between. Another process that writes moves the first number, a
/// statement of this one the second.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(i64, i64);

impl Moment {
    /// The present moment, in a transaction that may write.
    pub(crate) fn of(db: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT data_version, total_changes() FROM pragma_data_version";
        db.one("outbox", sql, params![], |row| Ok(Self(row.get(0)?, row.get(1)?)))
    }
}

impl Left {
    pub(crate) fn after(db: &Connection, links: Vec<Link>) -> Result<Self, StoreError> {
        Ok(Self { links, at: Moment::of(db)? })
    }

    /// The same links at the present moment.
    pub(crate) fn still(self, db: &Connection) -> Result<Self, StoreError> {
        Self::after(db, self.links)
    }

    /// Whether nothing was written since.
    pub(crate) fn is_present(&self, db: &Connection) -> Result<bool, StoreError> {
        Ok(self.at == Moment::of(db)?)
    }
}

/// The unsent links, read only if something was written since they were last read.
pub(crate) fn present(db: &Connection, left: Option<Left>) -> Result<Vec<Link>, StoreError> {
    match left {
        Some(left) if left.is_present(db)? => {
            debug_assert!(is_same(&left.links, &links(db)?), "links that were kept are those of the outbox");
            Ok(left.links)
        }
        _ => links(db),
    }
}

fn is_same(one: &[Link], other: &[Link]) -> bool {
    let ids = |link: &Link| link.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let same = |(a, b): (&Link, &Link)| (a.chain, a.case, a.digest, ids(a)) == (b.chain, b.case, b.digest, ids(b));
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// A document of a batch, with its changes from all links in the batch.
pub(crate) struct Doc<'a> {
    pub case: CaseId,
    pub rows: Vec<&'a Row>,
}

/// The unsent links in the order of sending: the oldest chain first, then links that no sending has named, then links that the
/// server has seen and not accepted.
pub(crate) fn links(db: &Connection) -> Result<Vec<Link>, StoreError> {
    let (mut fresh, mut seen): (Vec<(CaseId, Row, usize)>, Vec<_>) = (Vec::new(), Vec::new());
    let sql = "SELECT id, case_id, hash, tries, length(bytes), recorded_at FROM outbox WHERE state = ?1 ORDER BY id";
    db.each("outbox", sql, params![OutboxState::Unsent], |row| {
        let read = Row { id: row.get(0)?, tries: row.get(3)?, recorded_at: row.get(5)?, hash: row.get(2)?, mono_ms: 0 };
        let to = if read.tries == 0 { &mut fresh } else { &mut seen };
        to.push((row.get(1)?, read, row.get(4)?));
        Ok(())
    })?;
    let mut links = Vec::new();
    let sql = "SELECT chain, case_id, count, digest FROM named WHERE batch IS NULL ORDER BY chain, place";
    let named: Vec<(i64, CaseId, usize, Digest)> =
        db.all("named", sql, params![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    if !named.is_empty() {
        let mut of_case: BTreeMap<CaseId, VecDeque<(Row, usize)>> = BTreeMap::new();
        for (case, row, size) in std::mem::take(&mut fresh) {
            of_case.entry(case).or_default().push_back((row, size));
        }
        for (chain, case, count, digest) in named {
            let mut link = Link { chain: Some(chain), case, digest, rows: Vec::new(), size: 0 };
            let waiting = of_case.entry(case).or_default();
            if waiting.len() >= count
                && doc_digest(sheet_row::doc(db, &case)?, waiting.iter().take(count).map(|(row, _)| &row.hash)) == digest
            {
                for (row, size) in waiting.drain(..count) {
                    link.rows.push(row);
                    link.size += size;
                }
            }
            links.push(link);
        }
        fresh = of_case.into_iter().flat_map(|(case, rows)| rows.into_iter().map(move |(row, size)| (case, row, size))).collect();
        fresh.sort_by_key(|(_, row, _)| row.id);
    }
    links.extend(grouped(db, fresh)?);
    links.extend(grouped(db, seen)?);
    Ok(links)
}

/// Groups changes in their order into links of each document, with limited bytes, so that a batch never cuts one.
fn grouped(db: &Connection, rows: Vec<(CaseId, Row, usize)>) -> Result<Vec<Link>, StoreError> {
    let (mut links, mut open): (Vec<Link>, BTreeMap<CaseId, usize>) = (Vec::new(), BTreeMap::new());
    for (case, row, size) in rows {
        let place = open.entry(case).or_insert(links.len());
        match links.get_mut(*place).filter(|link| link.size + size <= MIN_BATCH_BYTES) {
            Some(link) => {
                link.rows.push(row);
                link.size += size;
            }
            None => {
                *place = links.len();
                links.push(Link { chain: None, case, digest: NOTHING_LEFT, rows: vec![row], size });
            }
        }
    }
    for link in &mut links {
        link.digest = doc_digest(sheet_row::doc(db, &link.case)?, link.rows.iter().map(|row| &row.hash));
    }
    Ok(links)
}

/// The documents of a batch, in the order of its links.
pub(crate) fn docs_of(links: &[Link]) -> Vec<Doc<'_>> {
    let (mut docs, mut places): (Vec<Doc<'_>>, BTreeMap<CaseId, usize>) = (Vec::new(), BTreeMap::new());
    for link in links {
        let place = *places.entry(link.case).or_insert(docs.len());
        match docs.get_mut(place) {
            Some(doc) => doc.rows.extend(&link.rows),
            None => docs.push(Doc { case: link.case, rows: link.rows.iter().collect() }),
        }
    }
    for doc in &mut docs {
        doc.rows.sort_by_key(|row| row.id);
    }
    docs
}

/// The parts of chains from earlier sendings that a batch of these links brings. `left`: the links that stay behind.
pub(crate) fn brought(taken: &[Link], left: &[Link], docs: &[Doc<'_>]) -> Vec<Brought> {
    let places: BTreeMap<CaseId, usize> = docs.iter().enumerate().map(|(place, doc)| (doc.case, place)).collect();
    let mut chains: BTreeMap<i64, Vec<RestLink>> = BTreeMap::new();
    for link in taken {
        let Some(chain) = link.chain else { continue };
        let links = chains.entry(chain).or_default();
        let doc = places.get(&link.case).and_then(|place| Some((*place as u32, docs.get(*place)?)));
        let Some(((number, doc), first)) = doc.zip(link.rows.first()) else {
            links.push(RestLink::Gone(Leaf(link.digest)));
            continue;
        };
        match links.last_mut() {
            _ if link.rows.len() != doc.rows.len() => {
                let first = doc.rows.iter().position(|row| row.id == first.id).unwrap_or_default();
                links.push(RestLink::Changes(number, first as u32, link.rows.len() as u32));
            }
            Some(RestLink::Docs(first, many)) if *first + *many == number => *many += 1,
            _ => links.push(RestLink::Docs(number, 1)),
        }
    }
    chains.into_iter().map(|(chain, links)| Brought { links, after: chain_of(left, chain) }).collect()
}

fn chain_of(links: &[Link], chain: i64) -> Digest {
    rest_chain(links.iter().rev().filter(|link| link.chain == Some(chain)).map(|link| link.digest), NOTHING_LEFT)
}

/// Notes that a batch brings these links.
pub(crate) fn mark_brought(db: &Connection, taken: &[Link], batch: u64) -> Result<(), StoreError> {
    for chain in taken.iter().filter_map(|link| link.chain).collect::<BTreeSet<_>>() {
        // A batch takes links from the beginning of a chain.
        let count = taken.iter().filter(|link| link.chain == Some(chain)).count();
        db.run(
            "UPDATE named SET batch = ?2 WHERE chain = ?1 AND batch IS NULL
             AND place IN (SELECT place FROM named WHERE chain = ?1 AND batch IS NULL ORDER BY place LIMIT ?3)",
            params![chain, batch, count],
        )?;
    }
    Ok(())
}

/// Makes the links of an open batch unsent again, because the server has taken nothing of it.
pub(crate) fn put_back(db: &Connection) -> Result<(), StoreError> {
    db.run("UPDATE named SET batch = NULL WHERE batch IS NOT NULL", params![])?;
    Ok(())
}

/// Forgets the links of a settled batch, and chains without links. `left`: the unsent links, if they are known.
pub(crate) fn forget_brought(db: &Connection, left: Option<&mut Left>) -> Result<(), StoreError> {
    db.run("DELETE FROM named WHERE batch IS NOT NULL", params![])?;
    let chains = match &left {
        Some(left) => left.links.iter().filter_map(|link| link.chain).collect(),
        None => db.all("named", "SELECT DISTINCT chain FROM named", params![], |row| row.get(0))?,
    };
    let chains: BTreeSet<i64> = chains.into_iter().collect();
    if chains.is_empty() {
        return Ok(());
    }
    let dead = match &left {
        Some(left) => &chains - &unsent(&left.links),
        None => &chains - &unsent(&links(db)?),
    };
    for chain in &dead {
        db.run("DELETE FROM named WHERE chain = ?1", params![chain])?;
    }
    if let Some(left) = left {
        left.links.retain(|link| link.chain.is_none_or(|chain| !dead.contains(&chain)));
    }
    Ok(())
}

/// The chains with unsent links.
fn unsent(links: &[Link]) -> BTreeSet<i64> {
    links.iter().filter_map(|link| link.rows.first().and(link.chain)).collect()
}

/// Names the links that stay unsent. Links that no sending has named become a chain, for good.
pub(crate) fn name(db: &Connection, left: &mut Vec<Link>) -> Result<Vec<Leaf>, StoreError> {
    let is_new = |link: &Link| link.chain.is_none() && link.rows.iter().all(|row| row.tries == 0);
    if left.iter().any(is_new) {
        let last = unsent(left).last().copied();
        // A sending names at most [`MAX_REST`] chains. At that limit the newest one is named anew, together with the links that
        // follow it.
        if let Some(last) = last.filter(|_| unsent(left).len() >= MAX_REST) {
            db.run("DELETE FROM named WHERE chain = ?1 AND batch IS NULL", params![last])?;
            *left = links(db)?;
        }
        let newest: Option<i64> = db.one("named", "SELECT max(chain) FROM named", params![], |row| row.get(0))?;
        let chain = newest.max(last).unwrap_or_default() + 1;
        let insert = "INSERT INTO named (chain, place, case_id, count, digest) VALUES (?1, ?2, ?3, ?4, ?5)";
        for (place, link) in left.iter_mut().filter(|link| is_new(link)).enumerate() {
            link.chain = Some(chain);
            db.run(insert, params![chain, place, link.case, link.rows.len(), link.digest])?;
        }
    }
    Ok(unsent(left).into_iter().map(|chain| Leaf(chain_of(left, chain))).collect())
}
