//! What a sending leaves behind. It names that before it comes, so that its acts are no later for having been split, cut or sent again.
//!
//! What is unsent is ordered into links: some changes of one document, at most so many bytes, so that every batch holds a whole one.
//! Links that were named by one sending are a chain. A batch takes links from the beginning of the oldest chain on, so what stays is
//! the end of a chain, and one hash names it. What is recorded later is a chain of its own: a chain that was named never changes.

use std::collections::{BTreeMap, BTreeSet};

use doorstep_domain::{CaseId, ChangeHash, Digest};
use doorstep_protocol::{
    Brought, KIND_CASE, Leaf, MAX_REST, MIN_BATCH_BYTES, RestLink,
    signing::{NOTHING_LEFT, doc_digest, rest_chain},
};
use rusqlite::{Connection, params};

use crate::{StoreError, project::UNSENT};

/// An unsent change, without its bytes.
pub(crate) struct Row {
    pub id: i64,
    pub tries: i64,
    pub hash: ChangeHash,
    /// Monotonic time of its act; 0 until its bytes are read.
    pub mono_ms: u64,
}

/// Changes of one document that are named and sent together.
pub(crate) struct Link {
    /// The chain it is in, by its newest row; `None`: no sending has named it, or the server has seen it.
    chain: Option<i64>,
    pub case: CaseId,
    pub rows: Vec<Row>,
    pub size: usize,
}

/// A document of a batch, with its changes from all links that the batch takes.
pub(crate) struct Doc<'a> {
    pub case: CaseId,
    pub rows: Vec<&'a Row>,
}

/// What is unsent, in the order in which it is sent: the oldest chain first, then what no sending has named, then what the server has
/// seen and not taken.
pub(crate) fn links(db: &Connection) -> Result<Vec<Link>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT id, case_id, hash, tries, length(bytes), iif(tries > 0, NULL, (SELECT min(newest) FROM named WHERE newest >= outbox.id))
           AS chain
         FROM outbox WHERE state = ?1 ORDER BY tries > 0, chain IS NULL, chain, id",
    )?;
    let mut rows = query.query([UNSENT])?;
    let mut links: Vec<Link> = Vec::new();
    let mut open: BTreeMap<(Option<i64>, bool, CaseId), usize> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let damaged = |_| StoreError::Damaged("outbox");
        let case = CaseId::try_from(row.get::<_, Vec<u8>>(1)?.as_slice()).map_err(damaged)?;
        let hash = ChangeHash::try_from(row.get::<_, Vec<u8>>(2)?.as_slice()).map_err(damaged)?;
        let (id, tries, size, chain) = (row.get(0)?, row.get(3)?, row.get::<_, usize>(4)?, row.get(5)?);
        let row = Row { id, tries, hash, mono_ms: 0 };
        let place = open.entry((chain, tries > 0, case)).or_insert(links.len());
        match links.get_mut(*place).filter(|link| link.size + size <= MIN_BATCH_BYTES) {
            Some(link) => {
                link.rows.push(row);
                link.size += size;
            }
            None => {
                *place = links.len();
                links.push(Link { chain, case, rows: vec![row], size });
            }
        }
    }
    Ok(links)
}

/// The documents of a batch in the order of its links.
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

/// What a batch of these links brings of chains that earlier sendings named. `left`: the links that stay behind.
pub(crate) fn brought(taken: &[Link], left: &[Link], docs: &[Doc<'_>]) -> Vec<Brought> {
    let places: BTreeMap<CaseId, usize> = docs.iter().enumerate().map(|(place, doc)| (doc.case, place)).collect();
    let mut chains: BTreeMap<i64, Vec<RestLink>> = BTreeMap::new();
    for link in taken {
        let (Some(chain), Some(place)) = (link.chain, places.get(&link.case)) else { continue };
        let Some(doc) = docs.get(*place) else { continue };
        let (links, number) = (chains.entry(chain).or_default(), *place as u32);
        match links.last_mut() {
            _ if link.rows.len() != doc.rows.len() => {
                let first =
                    doc.rows.iter().position(|row| Some(row.id) == link.rows.first().map(|row| row.id)).unwrap_or_default();
                links.push(RestLink::Changes(number, first as u32, link.rows.len() as u32));
            }
            Some(RestLink::Docs(first, many)) if *first + *many == number => *many += 1,
            _ => links.push(RestLink::Docs(number, 1)),
        }
    }
    let after = |chain| rest_chain(digests(left, chain), NOTHING_LEFT);
    chains.into_iter().map(|(chain, links)| Brought { links, after: after(chain) }).collect()
}

/// The digests of a chain's links, the last first.
fn digests(links: &[Link], chain: i64) -> impl Iterator<Item = Digest> {
    let of = links.iter().rev().filter(move |link| link.chain == Some(chain));
    of.map(|link| doc_digest(KIND_CASE, &link.case, link.rows.iter().map(|row| &row.hash)))
}

/// Names what stays unsent: what no sending has named becomes a chain, and stays one.
pub(crate) fn name(db: &Connection) -> Result<Vec<Leaf>, StoreError> {
    let fresh = |link: &&Link| link.rows.iter().all(|row| row.tries == 0);
    let mut left = links(db)?;
    if let Some(newest) =
        left.iter().filter(fresh).filter(|link| link.chain.is_none()).flat_map(|link| &link.rows).map(|row| row.id).max()
    {
        let chains: BTreeSet<i64> = left.iter().filter_map(|link| link.chain).collect();
        // A sending names so many: then the newest one is named anew with what follows it.
        let merged = chains.last().copied().filter(|_| chains.len() >= MAX_REST);
        if let Some(last) = merged {
            db.prepare_cached("DELETE FROM named WHERE newest = ?1")?.execute(params![last])?;
        }
        db.prepare_cached("INSERT OR IGNORE INTO named (newest) VALUES (?1)")?.execute(params![newest])?;
        if merged.is_some() {
            // Its links and those that follow it are other links together.
            left = links(db)?;
        } else {
            left.iter_mut()
                .filter(|link| link.chain.is_none())
                .filter(|link| fresh(&&**link))
                .for_each(|link| link.chain = Some(newest));
        }
    }
    let chains: BTreeSet<i64> = left.iter().filter_map(|link| link.chain).collect();
    Ok(chains.into_iter().map(|chain| Leaf(rest_chain(digests(&left, chain), NOTHING_LEFT))).collect())
}

/// Forgets the chains of which nothing is unsent: a row recorded later may get the number of one that has left.
pub(crate) fn forget_sent(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM named WHERE newest < (SELECT coalesce(min(id), ?1) FROM outbox WHERE state < 2 AND tries = 0)",
    )?
    .execute([i64::MAX])?;
    Ok(())
}

/// Forgets what was named: rows have changed, so the chains are others.
pub(crate) fn forget(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM named")?.execute([])?;
    Ok(())
}
