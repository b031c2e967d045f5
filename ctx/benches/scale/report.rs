//! What a run found, as it is kept in the JSON file and read back from it.

use crate::place::target;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::PathBuf};

#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) panels: Vec<Panel>,
}

/// One question: what something costs at each size.
#[derive(Serialize, Deserialize)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What is counted along the axis.
    pub(crate) sizes: String,
    pub(crate) series: Vec<Series>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) who: Who,
    /// Size, and nanoseconds.
    pub(crate) points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Who {
    Ours,
    Tokio,
    Go,
    /// Who does without.
    Floor,
}

/// A run of all panels and one of some go into different files.
fn path(whole: bool) -> PathBuf {
    let name = if whole {
        "scale.json"
    } else {
        "scale-partial.json"
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

    /// The last run of all panels.
    pub(crate) fn read() -> io::Result<Report> {
        Ok(serde_json::from_str(&fs::read_to_string(path(true))?)?)
    }
}
