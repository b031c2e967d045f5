//! What a run found, as it is kept in the JSON file and read back from it.

use crate::place::target;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::PathBuf};

#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    /// What it ran on and with.
    pub(crate) machine: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) theme: String,
    pub(crate) title: String,
    /// `ns`, `bytes`, ...
    pub(crate) unit: String,
    /// Ours first, then what it is held against.
    pub(crate) figures: Vec<Figure>,
    pub(crate) bounds: Vec<Verdict>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The median of its samples; none where the contender was not there.
    pub(crate) value: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Ours,
    Rival,
    Floor,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// What ours is divided by, and by how much it may exceed it.
    pub(crate) text: String,
    pub(crate) limit: f64,
    /// Whether ours is held against a number, and not against somebody.
    pub(crate) absolute: bool,
    /// The median of the ratios of the rounds; none where a contender was not there.
    pub(crate) ratio: Option<f64>,
    /// The same for the contender that nobody gets below, if the row has one.
    pub(crate) least: Option<f64>,
}

impl Verdict {
    pub(crate) fn word(&self) -> &'static str {
        match self.ratio {
            None => "not run",
            Some(ratio) if ratio <= self.limit => "ok",
            Some(_) if self.least.is_some_and(|least| least > self.limit) => "below the floor",
            Some(_) => "behind",
        }
    }
}

/// A run of all rows and one of some go into different files, so that the second does not pass for the first.
fn path(whole: bool) -> PathBuf {
    let name = if whole {
        "cost.json"
    } else {
        "cost-partial.json"
    };
    target().join("bench").join(name)
}

impl Report {
    pub(crate) fn write(&self, whole: bool) -> io::Result<PathBuf> {
        let path = path(whole);
        fs::create_dir_all(target().join("bench"))?;
        fs::write(&path, serde_json::to_string_pretty(self)?)?;
        Ok(path)
    }

    /// The last run of all rows.
    pub(crate) fn read() -> io::Result<Report> {
        Ok(serde_json::from_str(&fs::read_to_string(path(true))?)?)
    }
}
