//! Photos on a bad day: the outlet sees the thumbnail while the photo waits for a better network; then the photos go over a link
//! that is cut every 64 KiB, while the phone and head office are killed in between.

use doorstep_client::Act;
use doorstep_server::admin::Admin;
use doorstep_tests::{LinkMode, on};
use serde_json::Value;

use crate::{
    cast::{Cast, address, expect, waybill},
    device::Ask,
    stage::{Part, Result, Stage},
};

/// The case that the photos belong to.
const CASE: u32 = 8;

/// Plays the scene; head office's greeting after it was started again.
pub async fn bad_link(stage: &Stage, cast: &mut Cast, admin: &mut Admin, server: &mut Part, args: &[&str]) -> Result<Value> {
    stage.at(0, 10, 57)?;
    cast.li.ask(&Ask::Metered { metered: true }).await?;
    let photos = on(waybill(CASE), Act::Photos);
    cast.li.record(photos, &[(1_001, "door"), (1_002, "label"), (1_003, "damage_outside")]).await?;
    cast.li.sync().await?;
    let waiting = cast.li.ask(&Ask::Photos).await?;
    let list = waiting["photos"].as_array().ok_or("no photos")?;
    let bytes: u64 = list.iter().filter_map(|photo| photo["len"].as_u64()).sum();
    expect(list.len() == 3 && list.iter().all(|photo| photo["state"] == "held"), "three photos wait for a better network")?;
    cast.west.sync().await?;
    let seen = cast.west.ask(&Ask::Pictures { waybill: waybill(CASE) }).await?;
    let lacks = seen["thumbnails"].as_u64().zip(seen["photos"].as_u64()).map(|(small, whole)| small - whole);
    expect(lacks == Some(3), "the outlet has every thumbnail, and not these three photos")?;
    stage.say(&format!(
        "{}: 3 photos ({} KB) wait for an unmetered network; {} already shows their thumbnails ({} KB)",
        cast.li.name,
        bytes / 1_000,
        cast.west.name,
        seen["bytes"].as_u64().unwrap_or(0) / 1_000
    ));
    cast.li.ask(&Ask::Metered { metered: false }).await?;
    stage.network(LinkMode::CutAfter(64 * 1024), "Wi-Fi in the yard: every connection dies after 64 KiB");
    let before = stage.link.traffic().up;
    let (mut cuts, mut hello) = (0, Value::Null);
    loop {
        cast.li.begin_sync().await?;
        // Somewhere in the middle of a photo.
        match cuts {
            4 => {
                underway(stage).await;
                cast.li.kill_and_restart().await?;
                cuts += 1;
                continue;
            }
            7 => {
                underway(stage).await;
                server.kill().await?;
                *server = Part::start(args)?;
                hello = server.line().await?;
                stage.link.point_to(address(&hello)?);
            }
            _ => {}
        }
        if cast.li.end_sync().await? {
            break;
        }
        cuts += 1;
        expect(cuts < 100, "the photos get through")?;
    }
    let up = stage.link.traffic().up - before;
    stage.network(LinkMode::Up, "Wi-Fi is good again");
    expect(!hello.is_null(), "head office was killed in between")?;
    expect(
        admin.photos(false, 100, stage.now())?.iter().all(|photo| photo.waybill != waybill(CASE) || photo.state == "stored"),
        "head office has them all",
    )?;
    let twice = up.saturating_sub(bytes);
    stage.say(&format!(
        "{} cuts, {} and head office killed once each: {up} bytes went up for {bytes} of photos, {} % more with every header and sync",
        cuts,
        cast.li.name,
        (twice * 100).div_ceil(bytes)
    ));
    expect(up < bytes * 120 / 100, "little goes twice")?;
    Ok(hello)
}

/// Waits until some of a photo has gone over the link.
async fn underway(stage: &Stage) {
    let before = stage.link.traffic().up;
    let begun = std::time::Instant::now();
    while stage.link.traffic().up < before + 20_000 && begun.elapsed().as_secs() < 5 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
